/**
 * @file What a GGUF file says of a model's configuration, as llama.cpp's converter writes it and llama.cpp reads it: the
 * inverse of ggufConfig.ts. Sources: conversion/ and src/models/ of https://github.com/ggml-org/llama.cpp.
 */

import { type LinearName } from "../core/adapter";
import type { Architecture } from "../core/architectures";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import type { RopeScaling } from "../core/rope";
import { type Said, say } from "../core/say";
import { ggufArchitectureOf } from "./ggufNames";
import { float32, type GgufTyped, text, uint32 } from "./ggufWriter";

export type GgufSettings = {
  /** By key, in the converter's order; no key of `general` or of the tokenizer. */
  metadata: Map<string, GgufTyped>;
  /** Tensors that belong to the configuration: the divisors of the rotation's frequencies. */
  factors: Map<string, Float32Array>;
  /** In what llama.cpp will differ from the studio, though it reads the file. */
  notes: Said[];
};

function refuse(detail: Said): never {
  throw new StudioError("model.config", say`GGUF: ${detail}`);
}

/** The linear layers whose bias llama.cpp has a place for. */
const biasesOf: Record<Architecture, readonly LinearName[]> = {
  llama: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
  mistral: [],
  qwen2: ["q_proj", "k_proj", "v_proj"],
  qwen3: [],
  gemma2: [],
  gemma3: [],
  phi3: [],
  gpt2: ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"],
};

const isGemma = (architecture: Architecture) => architecture === "gemma2" || architecture === "gemma3";

/** What llama.cpp multiplies scores by, which no key says: 1 / √D, and for each Gemma of 27B 1 / √(C / H). */
function builtInScale({ architecture, layers, hiddenSize, heads, headDim }: ModelConfig): number {
  const is27B = (architecture === "gemma2" && layers === 46) || (architecture === "gemma3" && layers === 62);
  return 1 / Math.sqrt(is27B ? hiddenSize / heads : headDim);
}

/** Refuses by name what llama.cpp would compute otherwise, whatever the file said. */
function checkRepresentable(config: ModelConfig): void {
  const { architecture, activation, attentionScale, attentionSoftcap, finalSoftcap, biases } = config;
  const wanted = isGemma(architecture) || architecture === "gpt2" ? "gelu" : "silu";
  if (activation !== wanted)
    refuse(say`llama.cpp knows ${architecture} with ${wanted} only, and the model has ${activation}`);
  const scale = builtInScale(config);
  if (attentionScale !== null && Math.abs(attentionScale / scale - 1) > 1e-6)
    refuse(say`llama.cpp scales the scores of ${architecture} by ${scale}, and the model by ${attentionScale}`);
  if (architecture === "gemma2" && (attentionSoftcap === null || finalSoftcap === null))
    refuse(say`llama.cpp caps the scores and logits of gemma2, and the model does not`);
  if (architecture === "gemma2" && !config.tieWordEmbeddings)
    refuse(say`llama.cpp has no head of its own for gemma2, and the model has one`);
  const without = biases.find((name) => !biasesOf[architecture].includes(name));
  if (without) refuse(say`there is no place for the bias of ${without} in ${architecture}`);
  const isSquare = architecture === "qwen2" || architecture === "phi3";
  if (isSquare && config.heads * config.headDim !== config.hiddenSize)
    refuse(say`llama.cpp takes the heads of ${architecture} as shares of its width, and the model's are others`);
}

/** Llama 3's divisor of each frequency, [D / 2] (generate_extra_tensors of the converter's LlamaModel). */
function llama3Factors(config: ModelConfig, scaling: Extract<RopeScaling, { kind: "llama3" }>): Float32Array {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling;
  return Float32Array.from({ length: config.headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * (config.ropeTheta ?? 10000) ** ((2 * i) / config.headDim);
    const turns = originalMaxPositions / wavelength;
    if (turns > highFreqFactor) return 1;
    if (turns < lowFreqFactor) return factor;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** Which architectures llama.cpp gives each scaling to. */
const scaledBy: Record<RopeScaling["kind"], readonly Architecture[]> = {
  linear: ["llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"],
  llama3: ["llama", "mistral"],
  yarn: ["llama", "mistral", "qwen2", "qwen3", "phi3"],
  longrope: ["phi3"],
};

function addRopeScaling(settings: GgufSettings, config: ModelConfig, key: (name: string) => string): void {
  const { ropeScaling: scaling, architecture } = config;
  const { metadata, factors, notes } = settings;
  if (!scaling) return;
  if (!scaledBy[scaling.kind].includes(architecture))
    refuse(say`there is no place for the rope scaling ${scaling.kind} in ${architecture}`);
  switch (scaling.kind) {
    case "llama3":
      factors.set("rope_freqs.weight", llama3Factors(config, scaling));
      return;
    case "linear":
      metadata.set(key("rope.scaling.type"), text("linear"));
      metadata.set(key("rope.scaling.factor"), float32(scaling.factor));
      return;
    case "yarn": {
      const { factor, betaFast, betaSlow, attentionFactor, originalMaxPositions } = scaling;
      if (betaFast !== 32 || betaSlow !== 1)
        refuse(
          say`llama.cpp stretches by YaRN between 32 and 1 turns, and the model between ${betaFast} and ${betaSlow}`,
        );
      metadata.set(key("rope.scaling.type"), text("yarn"));
      metadata.set(key("rope.scaling.factor"), float32(factor));
      metadata.set(key("rope.scaling.original_context_length"), uint32(originalMaxPositions));
      // llama.cpp multiplies the factor YaRN has by itself with this one.
      const own = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
      if (Math.abs(attentionFactor / own - 1) > 1e-6)
        metadata.set(key("rope.scaling.attn_factor"), float32(attentionFactor / own));
      return;
    }
    case "longrope":
      metadata.set(key("rope.scaling.type"), text("longrope"));
      metadata.set(key("rope.scaling.attn_factor"), float32(scaling.attentionFactor));
      factors.set("rope_factors_long.weight", Float32Array.from(scaling.longFactor));
      factors.set("rope_factors_short.weight", Float32Array.from(scaling.shortFactor));
      notes.push(
        say`llama.cpp turns positions as in long texts wherever its context is set to more than ${scaling.originalMaxPositions} tokens, the model only where the text is longer`,
      );
  }
}

/** Layers that see a window: every one but each `period`-th, or as a list says. */
function addWindows(settings: GgufSettings, config: ModelConfig, key: (name: string) => string): void {
  const { architecture, layers, maxPositions } = config;
  const { metadata, notes } = settings;
  const isLocal = Array.from({ length: layers }, (_, i) => config.windows[i] != null);
  const window = config.windows.find((each) => each !== null) ?? null;
  const asList: GgufTyped = { type: "bools", value: isLocal };
  if (isGemma(architecture)) {
    // Where no layer sees a window, Gemma 2 needs a list that says so, and Gemma 3 no key at all.
    if (window === null && architecture === "gemma3") return;
    metadata.set(key("attention.sliding_window"), uint32(window ?? maxPositions));
    const period = architecture === "gemma2" ? 2 : 6; // llama.cpp's own, which the converter leaves unsaid
    if (isLocal.some((local, i) => local !== ((i + 1) % period !== 0)))
      metadata.set(key("attention.sliding_window_pattern"), asList);
    return;
  }
  if (architecture === "phi3") metadata.set(key("attention.sliding_window"), uint32(window ?? 0));
  if (window === null) return;
  if (architecture !== "phi3") metadata.set(key("attention.sliding_window"), uint32(window));
  if (architecture === "qwen2" || architecture === "qwen3")
    metadata.set(key("attention.sliding_window_pattern"), asList);
  if (window < maxPositions)
    notes.push(
      say`llama.cpp lets every layer of ${architecture} see the whole text, where the model sees ${window} tokens; longer texts differ`,
    );
}

function newGpt2Settings(config: ModelConfig): Map<string, GgufTyped> {
  return new Map([
    ["gpt2.block_count", uint32(config.layers)],
    ["gpt2.context_length", uint32(config.maxPositions)],
    ["gpt2.embedding_length", uint32(config.hiddenSize)],
    ["gpt2.feed_forward_length", uint32(config.intermediateSize)],
    ["gpt2.attention.head_count", uint32(config.heads)],
    ["gpt2.attention.layer_norm_epsilon", float32(config.rmsNormEps)],
  ]);
}

/** Throws `model.config`, naming what llama.cpp has no place for. */
export function newGgufSettings(config: ModelConfig): GgufSettings {
  checkRepresentable(config);
  const { architecture } = config;
  if (architecture === "gpt2") return { metadata: newGpt2Settings(config), factors: new Map(), notes: [] };
  const key = (name: string) => `${ggufArchitectureOf(architecture)}.${name}`;
  const metadata = new Map([
    [key("block_count"), uint32(config.layers)],
    [key("context_length"), uint32(config.maxPositions)],
    [key("embedding_length"), uint32(config.hiddenSize)],
    [key("feed_forward_length"), uint32(config.intermediateSize)],
    [key("attention.head_count"), uint32(config.heads)],
    [key("attention.head_count_kv"), uint32(config.keyValueHeads)],
  ]);
  const settings: GgufSettings = { metadata, factors: new Map(), notes: [] };
  addRopeScaling(settings, config, key);
  if (architecture === "phi3") {
    const { ropeScaling } = config;
    const original = ropeScaling && "originalMaxPositions" in ropeScaling ? ropeScaling.originalMaxPositions : null;
    metadata.set(key("rope.scaling.original_context_length"), uint32(original ?? config.maxPositions));
  }
  metadata.set(key("rope.freq_base"), float32(config.ropeTheta ?? 10000));
  if (config.localRopeTheta !== null) metadata.set(key("rope.freq_base_swa"), float32(config.localRopeTheta));
  metadata.set(key("attention.layer_norm_rms_epsilon"), float32(config.rmsNormEps));
  metadata.set(key("attention.key_length"), uint32(config.headDim));
  metadata.set(key("attention.value_length"), uint32(config.headDim));
  if (architecture === "llama" || architecture === "mistral" || architecture === "phi3") {
    metadata.set(key("vocab_size"), uint32(config.vocabSize));
    metadata.set(key("rope.dimension_count"), uint32(config.headDim));
  }
  if (config.attentionSoftcap !== null) metadata.set(key("attn_logit_softcapping"), float32(config.attentionSoftcap));
  if (config.finalSoftcap !== null) metadata.set(key("final_logit_softcapping"), float32(config.finalSoftcap));
  addWindows(settings, config, key);
  return settings;
}

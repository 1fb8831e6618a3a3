/** @file A model: its architecture's numbers as Hugging Face's config.json writes them, and its record. */

import { StudioError } from "./errors";
import type { ModelId } from "./ids";
import { say } from "./say";
import type { Bytes } from "./units";

export type ModelConfig = {
  architecture: "llama";
  vocabSize: number; // V
  hiddenSize: number; // C
  intermediateSize: number; // F
  layers: number; // L
  heads: number; // H
  keyValueHeads: number; // K, divides H
  headDim: number; // D
  maxPositions: number; // longest sequence, tokens
  ropeTheta: number;
  rmsNormEps: number;
  tieWordEmbeddings: boolean;
  bosTokenId: number | null;
  eosTokenIds: number[];
};

/** What the Models page lists. */
export type Model = {
  id: ModelId;
  name: string;
  config: ModelConfig;
  parameters: number;
  bytes: Bytes;
  licence: string;
};

/** Parses Hugging Face's config.json. Throws `model.config`, naming the field. */
export function parseModelConfig(value: unknown): ModelConfig {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new StudioError("model.config", say`config.json is not an object`);
  const config = value as Record<string, unknown>;
  const kind = config["model_type"];
  if (kind !== "llama")
    throw new StudioError("model.config", say`model_type is ${JSON.stringify(kind)}; only "llama" is supported`);
  if (config["rope_scaling"] != null) throw new StudioError("model.config", say`rope_scaling is not supported`);
  for (const field of ["attention_bias", "mlp_bias"]) {
    if (config[field] === true) throw new StudioError("model.config", say`${field} is not supported`);
  }
  const act = config["hidden_act"] ?? "silu";
  if (act !== "silu")
    throw new StudioError("model.config", say`hidden_act is ${JSON.stringify(act)}; only "silu" is supported`);

  const whole = (field: string, fallback?: number): number => {
    const n = config[field] ?? fallback;
    if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || n > 2 ** 31)
      throw new StudioError("model.config", say`${field} is not a positive whole number`);
    return n;
  };
  const positive = (field: string, fallback: number): number => {
    const n = config[field] ?? fallback;
    if (typeof n !== "number" || !(n > 0) || !Number.isFinite(n))
      throw new StudioError("model.config", say`${field} is not a positive number`);
    return n;
  };
  const rope = config["rope_parameters"] as Record<string, unknown> | null | undefined; // transformers 5 nests theta here
  if (rope != null && rope["rope_type"] !== undefined && rope["rope_type"] !== "default") {
    throw new StudioError("model.config", say`rope_type ${JSON.stringify(rope["rope_type"])} is not supported`);
  }
  const heads = whole("num_attention_heads");
  const hiddenSize = whole("hidden_size");
  const keyValueHeads = whole("num_key_value_heads", heads);
  const headDim = whole("head_dim", hiddenSize / heads);
  if (heads % keyValueHeads !== 0)
    throw new StudioError("model.config", say`num_key_value_heads does not divide num_attention_heads`);
  if (headDim % 2 !== 0) throw new StudioError("model.config", say`head_dim is odd`);
  const eos = config["eos_token_id"];
  return {
    architecture: "llama",
    vocabSize: whole("vocab_size"),
    hiddenSize,
    intermediateSize: whole("intermediate_size"),
    layers: whole("num_hidden_layers"),
    heads,
    keyValueHeads,
    headDim,
    maxPositions: whole("max_position_embeddings", 2048),
    ropeTheta: typeof rope?.["rope_theta"] === "number" ? rope["rope_theta"] : positive("rope_theta", 10000),
    rmsNormEps: positive("rms_norm_eps", 1e-6),
    tieWordEmbeddings: config["tie_word_embeddings"] === true,
    bosTokenId: typeof config["bos_token_id"] === "number" ? config["bos_token_id"] : null,
    eosTokenIds: (Array.isArray(eos) ? eos : [eos]).filter((id): id is number => typeof id === "number"),
  };
}

/** The same numbers as transformers' LlamaForCausalLM reads them. */
export function toHuggingFaceConfig(config: ModelConfig, dtype: "float16" | "float32"): Record<string, unknown> {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headDim,
    max_position_embeddings: config.maxPositions,
    rope_theta: config.ropeTheta,
    rms_norm_eps: config.rmsNormEps,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: config.tieWordEmbeddings,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenIds.length === 1 ? config.eosTokenIds[0] : config.eosTokenIds,
    torch_dtype: dtype,
  };
}

/** How many numbers the architecture trains when nothing is frozen. */
export function countParameters(c: ModelConfig): number {
  const attention = 2 * c.hiddenSize * c.heads * c.headDim + 2 * c.hiddenSize * c.keyValueHeads * c.headDim;
  const layer = attention + 3 * c.hiddenSize * c.intermediateSize + 2 * c.hiddenSize;
  const embeddings = c.vocabSize * c.hiddenSize * (c.tieWordEmbeddings ? 1 : 2);
  return embeddings + c.layers * layer + c.hiddenSize;
}

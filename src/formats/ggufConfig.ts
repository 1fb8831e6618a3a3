/**
 * @file What Hugging Face's config.json of the model in a GGUF file would say.
 *
 * Source of the keys: gguf-py's constants.py and convert_hf_to_gguf.py of https://github.com/ggml-org/llama.cpp; what a
 * file does not say and llama.cpp knows by itself (Gemma's scale of queries) is said here too.
 */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import type { GgufHeader, GgufValue } from "./ggufHeader";
import type { GgufArchitecture } from "./ggufNames";
import { quote } from "./safetensorsHeader";

type Config = Record<string, unknown>;

function fail(detail: Said): never {
  throw new StudioError("model.config", say`GGUF: ${detail}`);
}

/** The number a person wrote before it became f32: the shortest decimal that rounds to the same f32. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}

/** Reads the keys of an architecture, `{architecture}.{name}`. Each throws `model.config`, naming the key. */
function newKeys(architecture: string, metadata: ReadonlyMap<string, GgufValue>) {
  const number = (name: string): number | null => {
    const key = `${architecture}.${name}`;
    const value = metadata.get(key);
    if (value === undefined) return null;
    if (Array.isArray(value)) {
      const list: unknown[] = value;
      const [first] = list;
      // One value for every layer is how some files say a single one.
      if (typeof first === "number" && list.every((other) => other === first)) return first;
      fail(say`the key ${quote(key)} differs from layer to layer, which is not supported`);
    }
    if (typeof value !== "number" || !Number.isFinite(value)) fail(say`the key ${quote(key)} is not a number`);
    return value;
  };
  const whole = (name: string): number | null => {
    const value = number(name);
    if (value !== null && (!Number.isInteger(value) || value < 1 || value > 2 ** 31))
      fail(say`the key ${quote(`${architecture}.${name}`)} is ${value}, not a positive whole number`);
    return value;
  };
  const missing = (name: string): never => fail(say`the key ${quote(`${architecture}.${name}`)} is missing`);
  const positive = (name: string): number | null => {
    const value = number(name);
    if (value !== null && !(value > 0)) fail(say`the key ${quote(`${architecture}.${name}`)} is not a positive number`);
    return value === null ? null : shortest(value);
  };
  return { number, whole, positive, needed: (name: string) => whole(name) ?? missing(name), missing };
}

type Keys = ReturnType<typeof newKeys>;

/** What the header's small tensors hold: the divisors of the rotation's frequencies. */
export type RopeFactors = {
  freqs: Float32Array | null;
  long: Float32Array | null;
  short: Float32Array | null;
};

/**
 * Llama 3's scaling of the rotation, of which the file has only the divisor of each frequency.
 * Source: generate_extra_tensors of LlamaModel in convert_hf_to_gguf.py.
 */
function readLlama3Scaling(freqs: Float32Array, theta: number, D: number): Config | null {
  const factor = freqs.reduce((most, value) => Math.max(most, value), 0);
  if (freqs.every((value) => value === 1)) return null;
  const [low, high, original] = [1, 4, 8192]; // of every Llama 3 there is
  const isLlama3 = freqs.every((value, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / D);
    const smooth = Math.min(1, Math.max(0, (original / wavelength - low) / (high - low)));
    return Math.abs(value * ((1 - smooth) / factor + smooth) - 1) < 1e-3;
  });
  if (!isLlama3 || freqs.length !== D / 2) fail(say`rope_freqs.weight is not the scaling of a Llama 3`);
  return {
    rope_type: "llama3",
    factor: shortest(factor),
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: original,
  };
}

function readRopeScaling(keys: Keys, metadata: GgufHeader["metadata"], architecture: string): Config | null {
  const type = metadata.get(`${architecture}.rope.scaling.type`);
  const factor = keys.positive("rope.scaling.factor") ?? keys.positive("rope.scale_linear");
  if (type === "none" || factor === null || factor === 1) return null;
  if (type === undefined || type === "linear") return { rope_type: "linear", factor };
  if (type !== "yarn") fail(say`the rope scaling ${quote(String(type))} is not supported`);
  const original = keys.needed("rope.scaling.original_context_length");
  // Beside the factor that YaRN has by itself.
  const more = keys.positive("rope.scaling.attn_factor");
  return {
    rope_type: "yarn",
    factor,
    original_max_position_embeddings: original,
    ...(more === null ? {} : { attention_factor: more * (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1) }),
  };
}

function readTokenIds(metadata: GgufHeader["metadata"]): Config {
  const id = (name: string): number | null => {
    const value = metadata.get(`tokenizer.ggml.${name}_token_id`);
    return typeof value === "number" && Number.isInteger(value) ? value : null;
  };
  const ends = [...new Set([id("eos"), id("eot"), id("eom")])].filter((end) => end !== null);
  return {
    bos_token_id: id("bos"),
    eos_token_id: ends.length > 1 ? ends : (ends[0] ?? null),
    pad_token_id: id("padding"),
  };
}

type Sizes = { hiddenSize: number; layers: number; heads: number; headDim: number };

/** Gemma 2 and 3: which layers look only at a window, soft caps, and by what queries are scaled. */
function readGemma(keys: Keys, header: GgufHeader, architecture: "gemma2" | "gemma3", sizes: Sizes): Config {
  const { layers, hiddenSize, heads, headDim } = sizes;
  const said = header.metadata.get(`${architecture}.attention.sliding_window_pattern`);
  const period = typeof said === "number" ? said : architecture === "gemma2" ? 2 : 6;
  const isLocal = (layer: number) => (Array.isArray(said) ? said[layer] === true : (layer + 1) % period !== 0);
  const scale = keys.positive("attention.scale");
  const is27B = layers === (architecture === "gemma2" ? 46 : 62); // as llama.cpp tells them
  return {
    hidden_activation: "gelu_pytorch_tanh",
    query_pre_attn_scalar: scale === null ? (is27B ? hiddenSize / heads : headDim) : 1 / (scale * scale),
    sliding_window: keys.whole("attention.sliding_window"),
    layer_types: Array.from({ length: layers }, (_, i) => (isLocal(i) ? "sliding_attention" : "full_attention")),
    attn_logit_softcapping: keys.positive("attn_logit_softcapping") ?? (architecture === "gemma2" ? 50 : null),
    final_logit_softcapping: keys.positive("final_logit_softcapping") ?? (architecture === "gemma2" ? 30 : null),
    ...(architecture === "gemma3" ? { rope_local_base_freq: keys.positive("rope.freq_base_swa") ?? 10000 } : {}),
  };
}

/** llama.cpp lets every layer see all; files that we wrote say which of them see a window. */
function readQwenWindows(pattern: GgufValue | undefined, window: number | null): Config {
  if (window === null || !Array.isArray(pattern)) return { use_sliding_window: false };
  const isLocal: readonly unknown[] = pattern;
  const kinds = isLocal.map((local) => (local === true ? "sliding_attention" : "full_attention"));
  return { use_sliding_window: true, layer_types: kinds };
}

function readPhi3(keys: Keys, factors: RopeFactors): Config {
  const original = keys.whole("rope.scaling.original_context_length");
  const attentionFactor = keys.positive("rope.scaling.attn_factor");
  const scaling =
    factors.long && factors.short
      ? {
          rope_type: "longrope",
          long_factor: Array.from(factors.long, shortest),
          short_factor: Array.from(factors.short, shortest),
          ...(attentionFactor === null ? {} : { attention_factor: attentionFactor }),
        }
      : null;
  const window = keys.number("attention.sliding_window") ?? 0;
  return {
    hidden_act: "silu",
    sliding_window: window > 0 ? window : null,
    ...(original === null ? {} : { original_max_position_embeddings: original }),
    ...(scaling ? { rope_scaling: scaling } : {}),
  };
}

function readGpt2(keys: Keys, shared: Config): Config {
  return {
    model_type: "gpt2",
    vocab_size: shared["vocab_size"],
    n_positions: keys.needed("context_length"),
    n_embd: keys.needed("embedding_length"),
    n_layer: keys.needed("block_count"),
    n_head: keys.needed("attention.head_count"),
    n_inner: keys.whole("feed_forward_length"),
    layer_norm_epsilon: keys.positive("attention.layer_norm_epsilon") ?? 1e-5,
    activation_function: "gelu_new",
  };
}

/**
 * The configuration in Hugging Face's words, numbers checked but for how they fit together.
 * Throws `model.config`, naming the key, and `model.tensor` where the embedding is missing.
 */
export function readGgufConfig(header: GgufHeader, architecture: GgufArchitecture, factors: RopeFactors): Config {
  const { metadata, tensors } = header;
  const keys = newKeys(architecture, metadata);
  const [vocabSize] = tensors.get("token_embd.weight")?.shape ?? [];
  if (vocabSize === undefined) throw new StudioError("model.tensor", say`GGUF: tensor "token_embd.weight" is missing`);
  if ((keys.number("expert_count") ?? 0) > 0) fail(say`a mixture of experts is not supported`);
  const layers = keys.needed("block_count");
  if (layers > 10_000) fail(say`${layers} layers`);
  const shared = {
    vocab_size: vocabSize,
    tie_word_embeddings: !tensors.has("output.weight"),
    ...readTokenIds(metadata),
  };
  if (architecture === "gpt2") return { ...shared, ...readGpt2(keys, shared) };

  const hiddenSize = keys.needed("embedding_length");
  const heads = keys.needed("attention.head_count");
  const headDim = keys.whole("attention.key_length") ?? hiddenSize / heads;
  const valueDim = keys.whole("attention.value_length") ?? headDim;
  if (valueDim !== headDim) fail(say`keys of ${headDim} and values of ${valueDim} numbers are not supported`);
  const rotated = keys.whole("rope.dimension_count") ?? headDim;
  const theta = keys.positive("rope.freq_base") ?? 10000;
  const rms = keys.positive("attention.layer_norm_rms_epsilon");
  const scaling = factors.freqs
    ? readLlama3Scaling(factors.freqs, theta, headDim)
    : readRopeScaling(keys, metadata, architecture);
  const config: Config = {
    model_type: architecture === "gemma3" ? "gemma3_text" : architecture,
    ...shared,
    hidden_size: hiddenSize,
    intermediate_size: keys.needed("feed_forward_length"),
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keys.whole("attention.head_count_kv") ?? heads,
    head_dim: headDim,
    max_position_embeddings: keys.needed("context_length"),
    rms_norm_eps: rms ?? keys.missing("attention.layer_norm_rms_epsilon"),
    rope_theta: theta,
    rope_scaling: scaling,
    ...(rotated === headDim ? {} : { partial_rotary_factor: rotated / headDim }),
  };
  const sizes = { hiddenSize, layers, heads, headDim };
  if (architecture === "gemma2" || architecture === "gemma3")
    return { ...config, attention_bias: false, ...readGemma(keys, header, architecture, sizes) };
  if (architecture === "phi3") return { ...config, attention_bias: false, ...readPhi3(keys, factors) };
  const window = keys.whole("attention.sliding_window");
  return {
    ...config,
    // Mistral's files say llama; only its layers see a window.
    ...(architecture === "llama" && window !== null ? { model_type: "mistral" } : {}),
    hidden_act: "silu",
    // Qwen 2 has these biases whatever its configuration says.
    ...(architecture === "qwen2" ? {} : { attention_bias: tensors.has("blk.0.attn_q.bias") }),
    ...(architecture === "llama"
      ? { mlp_bias: tensors.has("blk.0.ffn_up.bias") }
      : readQwenWindows(metadata.get(`${architecture}.attention.sliding_window_pattern`), window)),
    ...(window === null ? {} : { sliding_window: window }),
  };
}

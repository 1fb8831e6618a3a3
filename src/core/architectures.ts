/**
 * @file The architectures that the engine knows: one record each, of how config.json is read and of what a block is made.
 * Facts from transformers 5.18 (models/NAME/configuration_NAME.py and modeling_NAME.py).
 */

import type { LinearName, StackName } from "./adapter";
import {
  type Fields,
  failConfig,
  flagField,
  isFields,
  positiveField,
  positiveOrNull,
  wholeField,
  wholeOrNull,
} from "./configFields";
import type { ModelConfig } from "./model";
import { parseRope } from "./rope";
import { say } from "./say";

export const architectureNames = ["llama", "qwen2", "qwen3", "mistral", "gemma2", "gemma3", "phi3", "gpt2"] as const;
export type Architecture = (typeof architectureNames)[number];

/** A block's norms by their places: before and after attention, before and after the feed-forward part. */
export type NormPlace = "input" | "afterAttention" | "feedForward" | "afterFeedForward";

export type ArchitectureRecord = {
  /** In config.json, and of the class that transformers loads. */
  modelType: string;
  className: string;
  /** What transformers takes where config.json is silent. */
  defaults: Fields;
  /** Fields of config.json that go by another name here. */
  fieldNames?: Readonly<Record<string, string>>;
  /** The fields of its own, once those that all share are read. */
  parse: (fields: Fields, shared: Pick<ModelConfig, "layers" | "headDim" | "maxPositions">) => Partial<ModelConfig>;
  /** RMS norm by w or by 1 + w, or LayerNorm with a bias. */
  norm: "rms" | "rmsPlusOne" | "layer";
  /** Below a block's path; a block without one of them has no name for it. */
  norms: { input: string; feedForward: string } & Partial<Record<NormPlace, string>>;
  stacks: Record<StackName, readonly LinearName[]>;
  /** Whether the feed-forward part has a gate beside what it opens. */
  isGated: boolean;
  /** Whether heads may share keys and values, and be of another size than their share of the width. */
  hasFreeHeads: boolean;
  /** Whether its linear layers are kept as [in, out] (Conv1D). */
  isTransposed: boolean;
  tensors: { blocks: string; embedding: string; positions: string | null; norm: string; head: string };
};

const llamaTensors = {
  blocks: "model.layers",
  embedding: "model.embed_tokens",
  positions: null,
  norm: "model.norm",
  head: "lm_head",
};

/** What most share with Llama. */
const decoder = {
  norm: "rms",
  norms: { input: "input_layernorm", feedForward: "post_attention_layernorm" },
  stacks: {
    qkv: ["q_proj", "k_proj", "v_proj"],
    o: ["o_proj"],
    gateUp: ["gate_proj", "up_proj"],
    down: ["down_proj"],
  },
  isGated: true,
  hasFreeHeads: true,
  isTransposed: false,
  tensors: llamaTensors,
} satisfies Partial<ArchitectureRecord>;

const gemmaNorms = {
  input: "input_layernorm",
  afterAttention: "post_attention_layernorm",
  feedForward: "pre_feedforward_layernorm",
  afterFeedForward: "post_feedforward_layernorm",
};
const attentionLinears: LinearName[] = ["q_proj", "k_proj", "v_proj", "o_proj"];

export const architectures: Record<Architecture, ArchitectureRecord> = {
  llama: {
    ...decoder,
    modelType: "llama",
    className: "LlamaForCausalLM",
    defaults: { max_position_embeddings: 2048, rms_norm_eps: 1e-6, tie_word_embeddings: false },
    parse: (fields, shared) => ({
      ...plainRope(fields, shared),
      biases: [
        ...(flagField(fields, "attention_bias") ? attentionLinears : []),
        ...(flagField(fields, "mlp_bias") ? (["gate_proj", "up_proj", "down_proj"] as const) : []),
      ],
    }),
  },
  qwen2: {
    ...decoder,
    modelType: "qwen2",
    className: "Qwen2ForCausalLM",
    defaults: qwenDefaults(),
    parse: (fields, shared) => ({
      ...plainRope(fields, shared),
      biases: ["q_proj", "k_proj", "v_proj"],
      windows: qwenWindows(fields, shared.layers),
    }),
  },
  qwen3: {
    ...decoder,
    modelType: "qwen3",
    className: "Qwen3ForCausalLM",
    defaults: { ...qwenDefaults(), head_dim: 128 },
    parse: (fields, shared) => ({
      ...plainRope(fields, shared),
      biases: flagField(fields, "attention_bias") ? attentionLinears : [],
      hasHeadNorms: true,
      windows: qwenWindows(fields, shared.layers),
    }),
  },
  mistral: {
    ...decoder,
    modelType: "mistral",
    className: "MistralForCausalLM",
    defaults: { max_position_embeddings: 131072, rms_norm_eps: 1e-6, num_key_value_heads: 8, sliding_window: 4096 },
    parse: (fields, shared) => ({
      ...plainRope(fields, shared),
      windows: everyLayer(shared.layers, wholeOrNull(fields, "sliding_window")),
    }),
  },
  gemma2: {
    ...decoder,
    modelType: "gemma2",
    className: "Gemma2ForCausalLM",
    norm: "rmsPlusOne",
    norms: gemmaNorms,
    fieldNames: { hidden_act: "hidden_activation" },
    defaults: {
      ...gemmaDefaults(),
      max_position_embeddings: 8192,
      attn_logit_softcapping: 50,
      final_logit_softcapping: 30,
    },
    parse: (fields, shared) => ({
      ...parseGemma(fields),
      ...plainRope(fields, shared),
      attentionSoftcap: positiveOrNull(fields, "attn_logit_softcapping"),
      windows: alternating(fields, shared.layers, 2),
    }),
  },
  gemma3: {
    ...decoder,
    modelType: "gemma3_text",
    className: "Gemma3ForCausalLM",
    norm: "rmsPlusOne",
    norms: gemmaNorms,
    fieldNames: { hidden_act: "hidden_activation" },
    defaults: { ...gemmaDefaults(), max_position_embeddings: 131072 },
    parse: (fields, shared) => ({
      ...parseGemma(fields),
      ...gemma3Rope(fields, shared),
      hasHeadNorms: true,
      windows: alternating(fields, shared.layers, wholeOrNull(fields, "sliding_window_pattern", 4096) ?? 6),
    }),
  },
  phi3: {
    ...decoder,
    modelType: "phi3",
    className: "Phi3ForCausalLM",
    stacks: { qkv: ["qkv_proj"], o: ["o_proj"], gateUp: ["gate_up_proj"], down: ["down_proj"] },
    defaults: { max_position_embeddings: 4096, original_max_position_embeddings: 4096, rms_norm_eps: 1e-5 },
    parse: (fields, shared) => ({
      ...plainRope(fields, shared),
      windows: everyLayer(shared.layers, wholeOrNull(fields, "sliding_window")),
    }),
  },
  gpt2: {
    modelType: "gpt2",
    className: "GPT2LMHeadModel",
    norm: "layer",
    norms: { input: "ln_1", feedForward: "ln_2" },
    stacks: { qkv: ["c_attn"], o: ["attn.c_proj"], gateUp: ["c_fc"], down: ["mlp.c_proj"] },
    isGated: false,
    hasFreeHeads: false,
    isTransposed: true,
    tensors: {
      blocks: "transformer.h",
      embedding: "transformer.wte",
      positions: "transformer.wpe",
      norm: "transformer.ln_f",
      head: "lm_head",
    },
    defaults: {
      n_positions: 1024,
      layer_norm_epsilon: 1e-5,
      activation_function: "gelu_new",
      tie_word_embeddings: true,
      scale_attn_weights: true,
    },
    fieldNames: {
      hidden_size: "n_embd",
      intermediate_size: "n_inner",
      num_hidden_layers: "n_layer",
      num_attention_heads: "n_head",
      max_position_embeddings: "n_positions",
      rms_norm_eps: "layer_norm_epsilon",
      hidden_act: "activation_function",
    },
    parse: (fields) => {
      refuse(fields, ["scale_attn_by_inverse_layer_idx", "add_cross_attention"]);
      return {
        ropeTheta: null,
        biases: ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"],
        attentionScale: flagField(fields, "scale_attn_weights") ? null : 1,
      };
    },
  },
};

function refuse(fields: Fields, names: readonly string[]): void {
  for (const name of names) if (flagField(fields, name)) failConfig(say`${name} is not supported`);
}

type Shared = Pick<ModelConfig, "layers" | "headDim" | "maxPositions">;

/** One rotation for all layers. */
function plainRope(fields: Fields, shared: Shared): Pick<ModelConfig, "ropeTheta" | "ropeScaling"> {
  const given = fields["rope_parameters"] ?? fields["rope_scaling"];
  const theta = positiveOrNull(fields, "rope_theta") ?? 10000;
  const { theta: ropeTheta, scaling: ropeScaling } = parseRope(fields, given, { ...shared, theta });
  return { ropeTheta, ropeScaling };
}

/** One for the layers that see all, and one for those that see a window. */
function gemma3Rope(fields: Fields, shared: Shared): Partial<ModelConfig> {
  const given = fields["rope_parameters"] ?? fields["rope_scaling"];
  const nested = isFields(given) && ("full_attention" in given || "sliding_attention" in given) ? given : null;
  const whole = nested ? nested["full_attention"] : given;
  const theta = positiveOrNull(fields, "rope_theta") ?? 1e6;
  const { theta: ropeTheta, scaling: ropeScaling } = parseRope(fields, whole, { ...shared, theta });
  const local = positiveOrNull(fields, "rope_local_base_freq") ?? 1e4;
  const windowed = parseRope(fields, nested?.["sliding_attention"], { ...shared, theta: local });
  if (windowed.scaling) failConfig(say`the windowed layers' rope_type is not supported`);
  return { ropeTheta, ropeScaling, localRopeTheta: windowed.theta };
}

function everyLayer(layers: number, window: number | null): (number | null)[] {
  return window === null ? [] : Array.from({ length: layers }, () => window);
}

/** By the list of kinds that config.json may hold, else as `isWindowed` says. */
function layerWindows(
  fields: Fields,
  layers: number,
  window: number | null,
  isWindowed: (layer: number) => boolean,
): (number | null)[] {
  const kinds = fields["layer_types"] ?? null;
  if (kinds === null) return Array.from({ length: layers }, (_, i) => (isWindowed(i) ? window : null));
  if (!Array.isArray(kinds) || kinds.length !== layers) failConfig(say`layer_types does not name ${layers} layers`);
  return kinds.map((kind: unknown) => {
    if (kind === "full_attention") return null;
    if (kind !== "sliding_attention") failConfig(say`layer_types names a kind that is not supported`);
    return window;
  });
}

function qwenDefaults(): Fields {
  return { max_position_embeddings: 32768, rms_norm_eps: 1e-6, num_key_value_heads: 32, sliding_window: 4096 };
}

function qwenWindows(fields: Fields, layers: number): (number | null)[] {
  if (!flagField(fields, "use_sliding_window")) return [];
  const window = wholeOrNull(fields, "sliding_window");
  const first = fields["max_window_layers"] ?? 28;
  if (typeof first !== "number" || !(first >= 0)) failConfig(say`max_window_layers is not a number of layers`);
  return layerWindows(fields, layers, window, (i) => i >= first);
}

/** Windows but for every layer whose number `period` divides. */
function alternating(fields: Fields, layers: number, period: number): (number | null)[] {
  return layerWindows(fields, layers, wholeOrNull(fields, "sliding_window"), (i) => (i + 1) % period !== 0);
}

function gemmaDefaults(): Fields {
  return {
    head_dim: 256,
    num_key_value_heads: 4,
    rms_norm_eps: 1e-6,
    hidden_activation: "gelu_pytorch_tanh",
    tie_word_embeddings: true,
    query_pre_attn_scalar: 256,
    sliding_window: 4096,
  };
}

function parseGemma(fields: Fields): Partial<ModelConfig> {
  refuse(fields, ["use_bidirectional_attention"]);
  return {
    biases: flagField(fields, "attention_bias") ? attentionLinears : [],
    embeddingScale: Math.fround(Math.sqrt(wholeField(fields, "hidden_size"))),
    attentionScale: 1 / Math.sqrt(positiveField(fields, "query_pre_attn_scalar", 2 ** 20)),
    finalSoftcap: positiveOrNull(fields, "final_logit_softcapping"),
  };
}

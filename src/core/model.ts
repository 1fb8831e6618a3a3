/** @file A model: its architecture's numbers as Hugging Face's config.json writes them, and its record. */

import { type LinearName, linearNamesOf, linearShape } from "./adapter";
import { type Architecture, type ArchitectureRecord, architectureNames, architectures } from "./architectures";
import {
  type Fields,
  failConfig,
  flagField,
  isFields,
  positiveField,
  quoted,
  tokenIds,
  wholeField,
} from "./configFields";
import { type RopeScaling, ropeParameters } from "./rope";
import { say } from "./say";

export type ModelConfig = {
  architecture: Architecture;
  vocabSize: number; // V
  hiddenSize: number; // C
  intermediateSize: number; // F
  layers: number; // L
  heads: number; // H
  keyValueHeads: number; // K, divides H
  headDim: number; // D
  maxPositions: number; // longest sequence, tokens
  /** Null where positions are learned instead. */
  ropeTheta: number | null;
  ropeScaling: RopeScaling | null;
  /** Of the layers that see a window, where it is another; never scaled. */
  localRopeTheta: number | null;
  /** Of whatever norm it has. */
  rmsNormEps: number;
  tieWordEmbeddings: boolean;
  bosTokenId: number | null;
  eosTokenIds: number[];
  /** The linear layers that add a bias. */
  biases: LinearName[];
  /** Whether each head's queries and keys are normed before they turn. */
  hasHeadNorms: boolean;
  activation: "silu" | "gelu";
  /** What query · key is multiplied by; 1 / √D where null. */
  attentionScale: number | null;
  /** c of c · tanh(x / c), which scores and logits go through. */
  attentionSoftcap: number | null;
  finalSoftcap: number | null;
  embeddingScale: number;
  /** By layer: how many tokens each sees, itself among them; all where null or absent. */
  windows: (number | null)[];
};

/** What a plain Llama has of all that tells the architectures apart. */
export const plainDecoder = {
  architecture: "llama",
  ropeScaling: null,
  localRopeTheta: null,
  biases: [],
  hasHeadNorms: false,
  activation: "silu",
  attentionScale: null,
  attentionSoftcap: null,
  finalSoftcap: null,
  embeddingScale: 1,
  windows: [],
} satisfies Partial<ModelConfig>;

const activations: Record<string, ModelConfig["activation"]> = {
  silu: "silu",
  swish: "silu",
  gelu_pytorch_tanh: "gelu",
  gelu_new: "gelu",
};

/** Parses Hugging Face's config.json. Throws `model.config`, naming the field. */
export function parseModelConfig(value: unknown): ModelConfig {
  if (!isFields(value)) failConfig(say`config.json is not an object`);
  const architecture = architectureNames.find((name) => architectures[name].modelType === value["model_type"]);
  if (!architecture) failUnknown(value);
  const record = architectures[architecture];
  const fields = withDefaults(value, record);
  const named = (name: string) => record.fieldNames?.[name] ?? name;
  const whole = (name: string, most: number) => wholeField(fields, named(name), most);

  const hiddenSize = whole("hidden_size", 2 ** 20);
  const heads = whole("num_attention_heads", 4096);
  const ofHeads = record.hasFreeHeads ? fields : {};
  const keyValueHeads = ofHeads["num_key_value_heads"] == null ? heads : whole("num_key_value_heads", heads);
  const headDim = ofHeads["head_dim"] == null ? hiddenSize / heads : whole("head_dim", 4096);
  if (!Number.isInteger(headDim))
    failConfig(say`${named("num_attention_heads")} does not divide ${named("hidden_size")}`);
  if (heads % keyValueHeads !== 0) failConfig(say`num_key_value_heads does not divide num_attention_heads`);
  if (headDim % 2 !== 0) failConfig(say`head_dim is odd`);
  const layers = whole("num_hidden_layers", 4096);
  const maxPositions = whole("max_position_embeddings", 2 ** 30);
  return {
    ...plainDecoder,
    architecture,
    vocabSize: whole("vocab_size", 2 ** 24),
    hiddenSize,
    intermediateSize: intermediateSize(fields, named("intermediate_size"), architecture, hiddenSize),
    layers,
    heads,
    keyValueHeads,
    headDim,
    maxPositions,
    ropeTheta: null,
    rmsNormEps: positiveField(fields, named("rms_norm_eps"), 1),
    tieWordEmbeddings: flagField(fields, "tie_word_embeddings"),
    bosTokenId: tokenIds(fields, "bos_token_id")[0] ?? null,
    eosTokenIds: tokenIds(fields, "eos_token_id"),
    activation: parseActivation(fields, record, named("hidden_act")),
    ...record.parse(fields, { layers, headDim, maxPositions }),
  };
}

function withDefaults(value: Fields, { defaults }: ArchitectureRecord): Fields {
  return { ...defaults, ...value };
}

/** Four times the width where GPT-2's is not said. */
function intermediateSize(fields: Fields, name: string, architecture: Architecture, hiddenSize: number): number {
  if (architecture === "gpt2" && fields[name] == null) return 4 * hiddenSize;
  return wholeField(fields, name, 2 ** 22);
}

function parseActivation(fields: Fields, record: ArchitectureRecord, name: string): ModelConfig["activation"] {
  const given = fields[name] ?? "silu";
  const activation = typeof given === "string" && Object.hasOwn(activations, given) ? activations[given] : undefined;
  if (!activation || (activation === "silu" && !record.isGated)) {
    failConfig(say`${name} is ${quoted(given)}, which is not supported`);
  }
  return activation;
}

/** Says of a model that is not known what its file tells of it all the same. */
function failUnknown(value: Fields): never {
  const told = (names: string[]) => quoted(names.map((name) => value[name]).find((each) => each !== undefined));
  const known = architectureNames.map((name) => architectures[name].modelType).join(", ");
  failConfig(
    say`model_type is ${quoted(value["model_type"])} (layers ${told(["num_hidden_layers", "n_layer"])}, hidden size ${told(["hidden_size", "n_embd"])}, vocabulary ${told(["vocab_size"])}); supported are ${known}`,
  );
}

/** The same numbers as transformers reads them. */
export function toHuggingFaceConfig(config: ModelConfig, dtype: "float16" | "float32"): Record<string, unknown> {
  const record = architectures[config.architecture];
  const has = (name: LinearName) => config.biases.includes(name);
  const fields = {
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    max_position_embeddings: config.maxPositions,
    rms_norm_eps: config.rmsNormEps,
    hidden_act: hiddenAct(config),
  };
  const named = Object.entries(fields).map(([name, value]) => [record.fieldNames?.[name] ?? name, value]);
  const shared = {
    architectures: [record.className],
    model_type: record.modelType,
    vocab_size: config.vocabSize,
    ...(Object.fromEntries(named) as Record<string, unknown>),
    tie_word_embeddings: config.tieWordEmbeddings,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenIds.length === 1 ? config.eosTokenIds[0] : config.eosTokenIds,
    torch_dtype: dtype,
  };
  if (config.architecture === "gpt2") return { ...shared, scale_attn_weights: config.attentionScale === null };
  return {
    ...shared,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headDim,
    attention_bias: has("o_proj"),
    mlp_bias: has("down_proj"),
    ...ropeFields(config),
    ...windowFields(config),
    ...(config.architecture === "gemma2" || config.architecture === "gemma3" ? gemmaFields(config) : {}),
  };
}

function hiddenAct({ activation, architecture }: ModelConfig): string {
  if (activation === "silu") return "silu";
  return architecture === "gpt2" ? "gelu_new" : "gelu_pytorch_tanh";
}

/** In the words of transformers 4, which 5 reads too; nested only where two kinds of layers differ. */
function ropeFields({ architecture, ropeTheta, ropeScaling, localRopeTheta }: ModelConfig): Record<string, unknown> {
  const { rope_theta, ...scaling } = ropeParameters({ theta: ropeTheta ?? 10000, scaling: ropeScaling });
  return {
    rope_theta,
    ...(ropeScaling ? { rope_scaling: scaling } : {}),
    ...(localRopeTheta === null ? {} : { rope_local_base_freq: localRopeTheta }),
    ...(architecture === "phi3" && ropeScaling?.kind === "longrope"
      ? { original_max_position_embeddings: ropeScaling.originalMaxPositions }
      : {}),
    ...(architecture === "phi3" ? { pad_token_id: null } : {}), // else 32000, which a small vocabulary has not
  };
}

function windowFields({ architecture, windows, layers }: ModelConfig): Record<string, unknown> {
  const window = windows.find((each) => each !== null) ?? null;
  const kinds = Array.from({ length: layers }, (_, i) => (windows[i] ? "sliding_attention" : "full_attention"));
  switch (architecture) {
    case "mistral":
    case "phi3":
      return { sliding_window: window };
    case "qwen2":
    case "qwen3":
      return window === null
        ? { use_sliding_window: false }
        : { use_sliding_window: true, sliding_window: window, layer_types: kinds };
    case "gemma2":
    case "gemma3":
      return { sliding_window: window, layer_types: kinds };
    default:
      return {};
  }
}

function gemmaFields(config: ModelConfig): Record<string, unknown> {
  const { attentionScale, headDim } = config;
  return {
    query_pre_attn_scalar: attentionScale === null ? headDim : Number((1 / attentionScale ** 2).toPrecision(12)),
    attn_logit_softcapping: config.attentionSoftcap,
    final_logit_softcapping: config.finalSoftcap,
  };
}

/** How many numbers the architecture trains when nothing is frozen. */
export function countParameters(config: ModelConfig): number {
  const { hiddenSize: C, headDim: D, vocabSize: V, biases } = config;
  const { norm, norms, tensors } = architectures[config.architecture];
  const aNorm = norm === "layer" ? 2 * C : C;
  const linears = linearNamesOf(config).reduce((sum, name) => {
    const [out, in_] = linearShape(config, name);
    return sum + out * in_ + (biases.includes(name) ? out : 0);
  }, 0);
  const layer = linears + Object.keys(norms).length * aNorm + (config.hasHeadNorms ? 2 * D : 0);
  const embeddings = V * C * (config.tieWordEmbeddings ? 1 : 2) + (tensors.positions ? config.maxPositions * C : 0);
  return embeddings + config.layers * layer + aNorm;
}

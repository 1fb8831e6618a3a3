/**
 * @file What Hugging Face's checkpoints call the tensors of a GGUF file, and what llama.cpp's converter changed in them.
 *
 * Source: gguf-py's tensor_mapping.py and convert_hf_to_gguf.py of https://github.com/ggml-org/llama.cpp.
 */

import type { Architecture } from "../core/architectures";

const llamaLayer = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};
const queryKeyNorms = { attn_q_norm: "self_attn.q_norm", attn_k_norm: "self_attn.k_norm" };
const fourNorms = {
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};
const llamaOutside = { token_embd: "model.embed_tokens", output_norm: "model.norm", output: "lm_head" };

type Names = {
  /** In layer N: what follows `blk.N.` → what follows `layers`N. */
  layer: Readonly<Record<string, string>>;
  layers: string;
  outside: Readonly<Record<string, string>>;
  /** The rows of these are written in pairs that are rotated together, biases too. */
  rotated?: readonly string[];
  /** Added to the weights of norms by the converter: Gemma's norms scale by 1 + w. */
  addedToNorms?: number;
  /** These are written [out, in] where Hugging Face's Conv1D has [in, out]. */
  transposed?: readonly string[];
  /** What is no weight: of use to the configuration, or to nobody. */
  ignored?: readonly string[];
};

const llamaLike = { layer: llamaLayer, layers: "model.layers.", outside: llamaOutside };

/** The architectures we know, as `general.architecture` has them. Mistral's files say llama. */
export const ggufNames = {
  llama: { ...llamaLike, rotated: ["attn_q", "attn_k"], ignored: ["rope_freqs", "attn_rot_embd"] },
  qwen2: llamaLike,
  qwen3: { ...llamaLike, layer: { ...llamaLayer, ...queryKeyNorms } },
  gemma2: { ...llamaLike, layer: { ...llamaLayer, ...fourNorms }, addedToNorms: 1 },
  gemma3: { ...llamaLike, layer: { ...llamaLayer, ...queryKeyNorms, ...fourNorms }, addedToNorms: 1 },
  phi3: {
    ...llamaLike,
    layer: {
      attn_norm: "input_layernorm",
      attn_qkv: "self_attn.qkv_proj",
      attn_output: "self_attn.o_proj",
      ffn_norm: "post_attention_layernorm",
      ffn_up: "mlp.gate_up_proj",
      ffn_down: "mlp.down_proj",
    },
    ignored: ["rope_factors_long", "rope_factors_short"],
  },
  gpt2: {
    layer: {
      attn_norm: "ln_1",
      attn_qkv: "attn.c_attn",
      attn_output: "attn.c_proj",
      ffn_norm: "ln_2",
      ffn_up: "mlp.c_fc",
      ffn_down: "mlp.c_proj",
    },
    layers: "transformer.h.",
    outside: {
      token_embd: "transformer.wte",
      position_embd: "transformer.wpe",
      output_norm: "transformer.ln_f",
      output: "lm_head",
    },
    transposed: ["attn_qkv", "attn_output", "ffn_up", "ffn_down"],
  },
} satisfies Record<string, Names>;

export type GgufArchitecture = keyof typeof ggufNames;

export const isGgufArchitecture = (name: unknown): name is GgufArchitecture =>
  typeof name === "string" && Object.hasOwn(ggufNames, name);

/** What llama.cpp calls an architecture: Mistral's files are Llama's. */
export const ggufArchitectureOf = (architecture: Architecture): GgufArchitecture =>
  architecture === "mistral" ? "llama" : architecture;

export type HuggingFaceName = {
  name: string;
  layer: number | null;
  rotated: "attn_q" | "attn_k" | null;
  isTransposed: boolean;
  shift: number | null;
};

/** A tensor's name by Hugging Face; "ignored" where it is no weight, null where the architecture has none such. */
export function nameInHuggingFace(architecture: GgufArchitecture, name: string): HuggingFaceName | "ignored" | null {
  const names: Names = ggufNames[architecture];
  const [, number, stem = "", suffix = ""] = /^(?:blk\.(\d{1,6})\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
  if (names.ignored?.includes(stem)) return "ignored";
  const among = number === undefined ? names.outside : names.layer;
  const known = Object.hasOwn(among, stem) ? among[stem] : undefined;
  if (known === undefined || (number !== undefined && String(Number(number)) !== number)) return null;
  const isNormWeight = suffix === "weight" && stem.endsWith("_norm");
  return {
    name: `${number === undefined ? "" : `${names.layers}${number}.`}${known}.${suffix}`,
    layer: number === undefined ? null : Number(number),
    rotated: names.rotated?.includes(stem) ? (stem as "attn_q" | "attn_k") : null,
    isTransposed: suffix === "weight" && number !== undefined && (names.transposed?.includes(stem) ?? false),
    shift: isNormWeight && names.addedToNorms !== undefined ? -names.addedToNorms : null,
  };
}

/** The inverse: a tensor's name in a GGUF file and what its numbers go through; null where there is none such. */
export function nameInGguf(
  architecture: GgufArchitecture,
  name: string,
): { name: string; changes: HuggingFaceName } | null {
  const names: Names = ggufNames[architecture];
  const [, path = "", suffix = ""] = /^(.+)\.(weight|bias)$/.exec(name) ?? [];
  const [, number, inner] = path.startsWith(names.layers)
    ? (/^(\d{1,6})\.(.+)$/.exec(path.slice(names.layers.length)) ?? [])
    : [];
  const among = number === undefined ? names.outside : names.layer;
  const stem = Object.keys(among).find((key) => among[key] === (number === undefined ? path : inner));
  if (stem === undefined) return null;
  const ggufName = `${number === undefined ? "" : `blk.${number}.`}${stem}.${suffix}`;
  const changes = nameInHuggingFace(architecture, ggufName);
  return changes && changes !== "ignored" && changes.name === name ? { name: ggufName, changes } : null;
}

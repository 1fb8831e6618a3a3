/** @file A model as a Hugging Face folder, and LoRA merged into plain weights. */

import { type Adaptation, loraScale } from "../core/adaptation";
import { linearPath, linearShape } from "../core/adapter";
import { architectures } from "../core/architectures";
import { StudioError } from "../core/errors";
import { type ModelConfig, toHuggingFaceConfig } from "../core/model";
import { say } from "../core/say";
import { type SafeTensorInput, writeSafetensors } from "./safetensors";
import type { NamedFile } from "./zip";

const encoder = new TextEncoder();

type Tensors = ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>;
type Dtype = "float16" | "float32";

/** All of a folder that transformers' `from_pretrained` loads but the weights. */
export function newHuggingFaceTexts(model: {
  config: ModelConfig;
  tokenizerJson: unknown;
  tokenizerConfig: unknown;
  dtype: Dtype;
}): NamedFile[] {
  const { config, dtype } = model;
  const huggingFaceConfig = toHuggingFaceConfig(config, dtype);
  const generation = { bos_token_id: config.bosTokenId, eos_token_id: huggingFaceConfig["eos_token_id"] };
  const file = (path: string, text: string) => ({ path, bytes: encoder.encode(`${text}\n`) });
  const json = (path: string, value: unknown) => file(path, JSON.stringify(value, null, 2));
  return [
    file("config.json", withFloats(JSON.stringify(huggingFaceConfig, null, 2))),
    json("generation_config.json", generation),
    json("tokenizer.json", model.tokenizerJson),
    json("tokenizer_config.json", model.tokenizerConfig),
  ];
}

/** Whether a folder has the tensor: a head that is tied has no place of its own. */
export const isWritten = (config: ModelConfig, name: string) =>
  !(config.tieWordEmbeddings && name === `${architectures[config.architecture].tensors.head}.weight`);

/** What transformers' `from_pretrained` loads. `tensors` carry Hugging Face's names. */
export function newHuggingFaceFolder(model: {
  config: ModelConfig;
  tensors: Tensors;
  tokenizerJson: unknown;
  tokenizerConfig: unknown;
  dtype: Dtype;
}): NamedFile[] {
  const named = new Map<string, SafeTensorInput>();
  for (const [name, { shape, values }] of model.tensors) {
    if (isWritten(model.config, name))
      named.set(name, { shape, values, dtype: model.dtype === "float16" ? "F16" : "F32" });
  }
  const weights = { path: "model.safetensors", bytes: writeSafetensors(named, { format: "pt" }) };
  return [...newHuggingFaceTexts(model), weights];
}

/** Soft caps as numbers with a point, also where they are whole: transformers 5 refuses any other. */
const withFloats = (text: string) => text.replace(/("\w+_softcapping": \d+)(?=[,\n])/g, "$1.0");

type Merger = (name: string, from: number, values: Float32Array<ArrayBuffer>) => Float32Array;

/**
 * Adds (alpha / rank) · B · A, in f32, to rows of every adapted linear, given by the weight's name and its first row's
 * number. Throws `adapter.invalid` where an adapter's tensor is missing or does not fit.
 */
export function newMerger(config: ModelConfig, adaptation: Adaptation, adapterTensors: Tensors): Merger {
  const [lora, ...others] = adaptation;
  if (lora?.kind !== "lora" || others.length > 0 || lora.dora) {
    throw new StudioError("adapter.invalid", say`only LoRA can be merged`);
  }
  const { isTransposed } = architectures[config.architecture];
  type Pair = { left: Float32Array; right: Float32Array; rank: number; scale: number };
  const products = new Map<string, Pair>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of lora.targetModules) {
      const path = linearPath(layer, name);
      const A = adapterTensors.get(`${path}.lora_A.weight`); // [R, in]
      const B = adapterTensors.get(`${path}.lora_B.weight`); // [out, R]
      if (!A || !B) throw new StudioError("adapter.invalid", say`${path}: a tensor to merge is missing`);
      const [out, in_] = linearShape(config, name);
      const { rank, scale } = loraScale(lora, name);
      if (A.values.length !== rank * in_ || B.values.length !== out * rank)
        throw new StudioError(
          "adapter.invalid",
          say`${path}: the adapter's shapes do not fit the weight [${out}, ${in_}]`,
        );
      // Kept as [in, out] it takes the transposed product: Aᵀ · Bᵀ.
      const [left, right] = isTransposed
        ? [transposed(A.values, rank), transposed(B.values, out)]
        : [B.values, A.values];
      products.set(`${path}.weight`, { left, right, rank, scale });
    }
  }
  return (name, from, values) => {
    const product = products.get(name);
    if (!product) return values;
    const { left, right, rank, scale } = product;
    const rows = values.length / (right.length / rank);
    return addProduct(values, left.subarray(from * rank, (from + rows) * rank), right, scale, rank);
  };
}

/**
 * W + (alpha / rank) · B · A for every adapted linear, in f32, in fresh memory; other tensors are shared.
 * Throws `adapter.invalid` where a tensor is missing or of another shape.
 */
export function mergeLora(
  tensors: ReadonlyMap<string, { shape: readonly number[]; values: Float32Array<ArrayBuffer> }>,
  config: ModelConfig,
  adaptation: Adaptation,
  adapterTensors: Tensors,
): Map<string, { shape: readonly number[]; values: Float32Array }> {
  const merge = newMerger(config, adaptation, adapterTensors);
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const values = merge(name, 0, tensor.values);
      return [name, values === tensor.values ? tensor : { shape: tensor.shape, values }];
    }),
  );
}

/** [rows, cols] → [cols, rows] */
function transposed(values: Float32Array, rows: number): Float32Array {
  const cols = values.length / rows;
  return Float32Array.from(values, (_, i) => values[(i % rows) * cols + Math.floor(i / rows)] ?? 0);
}

/** W [out, in] + scale · B [out, R] · A [R, in], summed in double precision. */
function addProduct(W: Float32Array, B: Float32Array, A: Float32Array, scale: number, R: number): Float32Array {
  const out = B.length / R;
  const in_ = A.length / R;
  const sum = new Float32Array(W.length);
  const row = new Float64Array(in_);
  for (let o = 0; o < out; o++) {
    row.fill(0);
    for (let r = 0; r < R; r++) {
      const b = B[o * R + r] ?? 0;
      for (let i = 0; i < in_; i++) row[i] = (row[i] ?? 0) + b * (A[r * in_ + i] ?? 0);
    }
    for (let i = 0; i < in_; i++) sum[o * in_ + i] = (W[o * in_ + i] ?? 0) + scale * (row[i] ?? 0);
  }
  return sum;
}

/** @file A model as a Hugging Face folder, and LoRA merged into plain weights. */

import { type Lora, linearPath } from "../core/adapter";
import { architectures } from "../core/architectures";
import { StudioError } from "../core/errors";
import { type ModelConfig, toHuggingFaceConfig } from "../core/model";
import { say } from "../core/say";
import { type SafeTensorInput, writeSafetensors } from "./safetensors";
import type { NamedFile } from "./zip";

const encoder = new TextEncoder();

/** What transformers' `from_pretrained` loads. `tensors` carry Hugging Face's names; a tied head is left out. */
export function newHuggingFaceFolder(model: {
  config: ModelConfig;
  tensors: ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>;
  tokenizerJson: unknown;
  tokenizerConfig: unknown;
  dtype: "float16" | "float32";
}): NamedFile[] {
  const { config, tensors, dtype } = model;
  const named = new Map<string, SafeTensorInput>();
  for (const [name, { shape, values }] of tensors) {
    if (config.tieWordEmbeddings && name === `${architectures[config.architecture].tensors.head}.weight`) continue;
    named.set(name, { shape, values, dtype: dtype === "float16" ? "F16" : "F32" });
  }
  const huggingFaceConfig = toHuggingFaceConfig(config, dtype);
  const generation = { bos_token_id: config.bosTokenId, eos_token_id: huggingFaceConfig["eos_token_id"] };
  const file = (path: string, text: string) => ({ path, bytes: encoder.encode(`${text}\n`) });
  const json = (path: string, value: unknown) => file(path, JSON.stringify(value, null, 2));
  return [
    file("config.json", withFloats(JSON.stringify(huggingFaceConfig, null, 2))),
    json("generation_config.json", generation),
    { path: "model.safetensors", bytes: writeSafetensors(named, { format: "pt" }) },
    json("tokenizer.json", model.tokenizerJson),
    json("tokenizer_config.json", model.tokenizerConfig),
  ];
}

/** Soft caps as numbers with a point, also where they are whole: transformers 5 refuses any other. */
const withFloats = (text: string) => text.replace(/("\w+_softcapping": \d+)(?=[,\n])/g, "$1.0");

/**
 * W + (alpha / rank) · B · A for every adapted linear, in f32, in fresh memory; other tensors are shared.
 * Throws `adapter.invalid` where a tensor is missing or of another shape.
 */
export function mergeLora(
  tensors: ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>,
  config: ModelConfig,
  lora: Lora,
  adapterTensors: ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>,
): Map<string, { shape: readonly number[]; values: Float32Array }> {
  const merged = new Map(tensors);
  const scale = lora.alpha / lora.rank;
  const { isTransposed } = architectures[config.architecture];
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of lora.targetModules) {
      const path = linearPath(layer, name);
      const W = tensors.get(`${path}.weight`); // [out, in]
      const A = adapterTensors.get(`${path}.lora_A.weight`); // [R, in]
      const B = adapterTensors.get(`${path}.lora_B.weight`); // [out, R]
      if (!W || !A || !B) throw new StudioError("adapter.invalid", say`${path}: a tensor to merge is missing`);
      const [out = 0, in_ = 0] = isTransposed ? W.shape.toReversed() : W.shape;
      if (A.values.length !== lora.rank * in_ || B.values.length !== out * lora.rank)
        throw new StudioError(
          "adapter.invalid",
          say`${path}: the adapter's shapes do not fit the weight [${out}, ${in_}]`,
        );
      // Kept as [in, out] it takes the transposed product: Aᵀ · Bᵀ.
      const [left, right] = isTransposed
        ? [transposed(A.values, lora.rank), transposed(B.values, out)]
        : [B.values, A.values];
      merged.set(`${path}.weight`, {
        shape: W.shape,
        values: addProduct(W.values, left, right, scale, lora.rank),
      });
    }
  }
  return merged;
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

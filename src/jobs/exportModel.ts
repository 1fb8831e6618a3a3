/** @file A base, or a base with its adapter merged in, as a Hugging Face folder. */

import type { Lora } from "../core/adapter";
import type { WeightFile } from "../core/weightFile";
import { mergeLora, newHuggingFaceFolder } from "../formats/huggingFace";
import type { LoraTensors } from "../formats/peft";
import type { NamedFile } from "../formats/zip";
import { type ModelFiles, openModel } from "./openModel";

/** In f32, so that transformers computes what the studio computes. Throws as the model's files or the adapter do not fit. */
export async function exportModel(
  files: ModelFiles,
  adapter: { lora: Lora; tensors: LoraTensors } | null,
): Promise<NamedFile[]> {
  const { config, weights, tokenizerJson, tokenizerConfig } = await openModel(files);
  const base = await readWeights(await weights());
  const tensors = adapter ? mergeLora(base, config, adapter.lora, adapter.tensors) : base;
  return newHuggingFaceFolder({ config, tensors, tokenizerJson, tokenizerConfig, dtype: "float32" });
}

async function readWeights(file: WeightFile): Promise<Map<string, { shape: number[]; values: Float32Array }>> {
  const tensors = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const [name, { shape }] of file.tensors) {
    tensors.set(name, { shape, values: await file.readRows(name, 0, shape[0] ?? 1) });
  }
  return tensors;
}

/** @file A base, or a base with its adapter merged in, as a Hugging Face folder. */

import type { Lora } from "../core/adapter";
import { mergeLora, newHuggingFaceFolder } from "../formats/huggingFace";
import type { LoraTensors } from "../formats/peft";
import type { NamedFile } from "../formats/zip";
import { type ModelFiles, readModelConfig, readTokenizerFiles, readWeights } from "./loadModel";

/** In f32, so that transformers computes what the studio computes. Throws as the model's files or the adapter do not fit. */
export async function exportModel(
  files: ModelFiles,
  adapter: { lora: Lora; tensors: LoraTensors } | null,
): Promise<NamedFile[]> {
  const config = await readModelConfig(files);
  const weights = await readWeights(files);
  const tensors = adapter ? mergeLora(weights, config, adapter.lora, adapter.tensors) : weights;
  return newHuggingFaceFolder({ config, tensors, ...(await readTokenizerFiles(files)), dtype: "float32" });
}

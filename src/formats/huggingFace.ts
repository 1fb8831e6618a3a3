/** @file A model as a Hugging Face folder. */

import { architectures } from "../core/architectures";
import { type ModelConfig, toHuggingFaceConfig } from "../core/model";
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

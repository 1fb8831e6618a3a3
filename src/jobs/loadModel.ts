/** @file A base model on the device with its tokenizer. */

import type { ModelConfig } from "../core/model";
import type { WeightFormat } from "../core/packing";
import type { Recipe } from "../core/recipe";
import { endToken } from "../data/mask";
import type { Tokenizer } from "../data/tokenizer";
import { disposeLlama, type Llama, readLlama } from "../model/llama";
import { type ModelFiles, openModel, openTokenizer } from "./openModel";
import { chooseFormat, weightBytes } from "./weightFormats";

export type LoadedModel = {
  name: string;
  config: ModelConfig;
  llama: Llama;
  tokenizer: Tokenizer;
  /** Tokens that end an answer. */
  stopIds: number[];
  /** What the weights take on the device. */
  weightBytes: number;
};

export type LoadOptions = {
  /** How the matrices are packed; left out, as near to the files as the device has it. */
  precision?: WeightFormat | undefined;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
};

/** Puts the base on the device that is open. The caller disposes it with `unloadModel`. Throws what `openModel` does. */
export async function loadModel(files: ModelFiles, options: LoadOptions = {}): Promise<LoadedModel> {
  const { precision, signal = new AbortController().signal, onProgress } = options;
  const open = await openModel(files);
  const { name, config } = open;
  const tokenizer = openTokenizer(open);
  const weights = await open.weights();
  const llama = await readLlama(config, weights, {
    formatOf: chooseFormat(weights, precision),
    signal,
    ...(onProgress ? { onProgress } : {}),
  });
  const stopIds = [...new Set([...open.stopIds, tokenizer.eos])];
  return { name, config, tokenizer, stopIds, llama, weightBytes: weightBytes(config, weights, precision) };
}

/** The model whose answers end as well where this template ends them. */
export function stoppingAt(model: LoadedModel, template: Recipe["template"]): LoadedModel {
  return { ...model, stopIds: [...new Set([...model.stopIds, endToken(template, model.tokenizer)])] };
}

export function unloadModel(model: LoadedModel): void {
  disposeLlama(model.llama);
}

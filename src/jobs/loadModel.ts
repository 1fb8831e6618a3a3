/** @file A base model on the device with its tokenizer, from the files of a Hugging Face folder. */

import { StudioError } from "../core/errors";
import { type ModelConfig, parseModelConfig } from "../core/model";
import { say } from "../core/say";
import { loadTokenizer, type Tokenizer } from "../data/tokenizer";
import { parseSafetensors } from "../formats/safetensors";
import { disposeLlama, type Llama, loadLlama } from "../model/llama";

/**
 * Reads one file of the model's folder, or null where there is none. The browser fetches it, Node reads the disk:
 * here is all that differs.
 */
export type ModelFiles = {
  /** As the recipe names it: `embedded`, or a folder. */
  name: string;
  read: (file: string) => Promise<Uint8Array<ArrayBuffer> | null>;
};

export type LoadedModel = {
  name: string;
  config: ModelConfig;
  llama: Llama;
  tokenizer: Tokenizer;
  /** Tokens that end an answer. */
  stopIds: number[];
};

type Weights = Map<string, { shape: number[]; values: Float32Array<ArrayBuffer> }>;

async function readBytes(files: ModelFiles, file: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await files.read(file);
  if (!bytes) throw new StudioError("model.missing", say`${files.name} has no ${file}`);
  return bytes;
}

async function readJson(files: ModelFiles, file: string, code: "model.config" | "tokenizer.invalid"): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await readBytes(files, file))) as unknown;
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    throw new StudioError(code, say`${file} is not JSON`, { cause });
  }
}

/** Throws `model.config` or `model.missing`. */
export async function readModelConfig(files: ModelFiles): Promise<ModelConfig> {
  return parseModelConfig(await readJson(files, "config.json", "model.config"));
}

/** The tokenizer's files as they stand. */
export async function readTokenizerFiles(
  files: ModelFiles,
): Promise<{ tokenizerJson: unknown; tokenizerConfig: unknown }> {
  const tokenizerJson = await readJson(files, "tokenizer.json", "tokenizer.invalid");
  const hasConfig = (await files.read("tokenizer_config.json")) !== null;
  const tokenizerConfig = hasConfig ? await readJson(files, "tokenizer_config.json", "tokenizer.invalid") : {};
  return { tokenizerJson, tokenizerConfig };
}

/** Throws `tokenizer.invalid`. */
export async function readTokenizer(files: ModelFiles, config: ModelConfig): Promise<Tokenizer> {
  const { tokenizerJson, tokenizerConfig } = await readTokenizerFiles(files);
  const tokenizer = loadTokenizer(tokenizerJson, tokenizerConfig, config.eosTokenIds);
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new StudioError(
      "tokenizer.invalid",
      say`The tokenizer has ${tokenizer.vocabSize} tokens, the model ${config.vocabSize}`,
    );
  }
  return tokenizer;
}

/** All tensors by Hugging Face's names, widened to f32: model.safetensors, or the shards its index names. */
export async function readWeights(files: ModelFiles): Promise<Weights> {
  const whole = await files.read("model.safetensors");
  if (whole) return parseSafetensors(whole).tensors;
  if (!(await files.read("model.safetensors.index.json"))) {
    throw new StudioError("model.missing", say`${files.name} has no model.safetensors`);
  }
  const index = (await readJson(files, "model.safetensors.index.json", "model.config")) as { weight_map?: unknown };
  if (typeof index.weight_map !== "object" || index.weight_map === null) {
    throw new StudioError("model.config", say`model.safetensors.index.json has no weight_map`);
  }
  const weights: Weights = new Map();
  for (const shard of new Set(Object.values(index.weight_map))) {
    if (typeof shard !== "string" || !/^[\w.-]+\.safetensors$/.test(shard)) {
      throw new StudioError(
        "model.config",
        say`model.safetensors.index.json: ${JSON.stringify(shard)} is no file name`,
      );
    }
    for (const [name, tensor] of parseSafetensors(await readBytes(files, shard)).tensors) weights.set(name, tensor);
  }
  return weights;
}

/** Puts the base on the device that is open. The caller disposes it with `unloadModel`. */
export async function loadModel(files: ModelFiles): Promise<LoadedModel> {
  const config = await readModelConfig(files);
  const tokenizer = await readTokenizer(files, config);
  const stopIds = [...new Set([...config.eosTokenIds, tokenizer.eos])];
  return { name: files.name, config, tokenizer, stopIds, llama: loadLlama(config, await readWeights(files)) };
}

export function unloadModel(model: LoadedModel): void {
  disposeLlama(model.llama);
}

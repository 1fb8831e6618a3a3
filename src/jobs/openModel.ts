/** @file A model's files opened: what they are, its configuration, tokenizer and tensors, with nothing read in whole but text. */

import { type ByteSource, bytesSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { type ModelConfig, parseModelConfig } from "../core/model";
import type { ModelContainer } from "../core/modelRecord";
import { type Said, say } from "../core/say";
import { fullyNamed } from "../core/tensorNames";
import type { WeightFile } from "../core/weightFile";
import { type ChatTemplate, findChatTemplate } from "../data/chatTemplate";
import { tokenizerFromGguf } from "../data/ggufTokenizer";
import { loadTokenizer, type Tokenizer } from "../data/tokenizer";
import { tokenizerFromMerges } from "../data/tokenizerFromMerges";
import { openGguf } from "../formats/gguf";
import { copyGgufTokenizer, type GgufMetadata } from "../formats/ggufWriter";
import { openLlama2c, readLlama2cTokenizer } from "../formats/llama2c";
import { openSafetensors, openSafetensorsShards } from "../formats/safetensors";

/** The files of a model, wherever they lie: on the studio's server, in the browser's storage, on a disk, in a drop. */
export type ModelFiles = {
  /** As the recipe names the model. */
  name: string;
  list: () => Promise<string[]>;
  /** Null where there is no such file. */
  open: (file: string) => Promise<ByteSource | null>;
};

export type OpenModel = {
  name: string;
  container: ModelContainer;
  config: ModelConfig;
  weights: () => Promise<WeightFile>;
  /** As tokenizer.json and tokenizer_config.json have them. */
  tokenizerJson: unknown;
  tokenizerConfig: Record<string, unknown>;
  /** Tokens that end an answer, as far as the model's files name them. */
  stopIds: number[];
  chatTemplate: ChatTemplate | null;
  /** As the files name it, or empty. */
  licence: string;
  /** Every key of `tokenizer.` as a GGUF file has it, where it is one. */
  ggufTokenizer?: () => GgufMetadata;
};

/** No text file of a model is larger: the largest tokenizer.json known has 34 MB. */
const mostText = 128 * 2 ** 20;

function fail(detail: Said): never {
  throw new StudioError("model.format", detail);
}

/** Files in memory, as the embedded model's and the tests'. */
export function filesInMemory(name: string, files: readonly { path: string; bytes: Uint8Array }[]): ModelFiles {
  return {
    name,
    list: () => Promise.resolve(files.map(({ path }) => path)),
    open: (file) => {
      const found = files.find(({ path }) => path === file);
      return Promise.resolve(found ? bytesSource(found.bytes, file) : null);
    },
  };
}

async function readText(files: ModelFiles, file: string): Promise<string | null> {
  const source = await files.open(file);
  if (!source) return null;
  if (source.size > mostText) fail(say`${file} has ${source.size} bytes, more than any such file`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await source.read(0, source.size));
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    throw new StudioError("model.format", say`${file} is not text in UTF-8`, { cause });
  }
}

async function readJson(
  files: ModelFiles,
  file: string,
  code: "model.config" | "tokenizer.invalid" = "model.config",
): Promise<unknown> {
  const text = await readText(files, file);
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new StudioError(code, say`${file} is not JSON`, { cause });
  }
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** Ids of `eos_token_id`, one or a list. */
function idsOf(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).filter((id): id is number => Number.isInteger(id));
}

/** Which of a folder's files hold the weights. Throws `model.format`, saying what is missing. */
export function recogniseModel(names: readonly string[]): { container: ModelContainer; weights: string } {
  const ending = (end: string) => names.filter((name) => name.toLowerCase().endsWith(end));
  const ggufs = ending(".gguf");
  const [gguf] = ggufs;
  if (names.includes("config.json")) {
    for (const weights of ["model.safetensors", "model.safetensors.index.json"]) {
      if (names.includes(weights)) return { container: "safetensors", weights };
    }
    const [only, ...others] = ending(".safetensors");
    if (only !== undefined && others.length === 0) return { container: "safetensors", weights: only };
    if (only !== undefined) fail(say`model.safetensors.index.json is missing: it tells what each of the files holds`);
  }
  if (gguf !== undefined) {
    if (ggufs.length > 1) fail(say`There are ${ggufs.length} GGUF files (${ggufs.slice(0, 4).join(", ")}): choose one`);
    return { container: "gguf", weights: gguf };
  }
  if (ending(".safetensors").length > 0) fail(say`config.json is missing`);
  const [checkpoint] = ending(".bin").filter((name) => !name.startsWith("tok") && !name.startsWith("pytorch_model"));
  if (checkpoint !== undefined && names.some((name) => name.startsWith("tok") && name.endsWith(".bin"))) {
    return { container: "llama2c", weights: checkpoint };
  }
  if (ending(".bin").some((name) => name.startsWith("pytorch_model"))) {
    fail(say`Weights as pytorch_model.bin can run code when opened: convert them to safetensors`);
  }
  if (checkpoint !== undefined) fail(say`The tokenizer (tokenizer.bin) is missing beside ${checkpoint}`);
  if (names.includes("config.json")) fail(say`There is a config.json, but no model.safetensors`);
  return fail(
    names.length === 0
      ? say`There is no file`
      : say`Among ${names.slice(0, 5).join(", ")} there is no GGUF and no safetensors`,
  );
}

/** Opens a model, whatever its container. Throws `model.format`, `model.config`, `model.tensor` or `tokenizer.invalid`. */
export async function openModel(files: ModelFiles): Promise<OpenModel> {
  const names = await files.list();
  const { container, weights } = recogniseModel(names);
  if (container === "gguf") return openGgufModel(files, weights);
  if (container === "llama2c") return openLlama2cModel(files, names, weights);
  return openFolder(files, names, weights);
}

async function sourceOf(files: ModelFiles, file: string): Promise<ByteSource> {
  const source = await files.open(file);
  if (!source) throw new StudioError("model.missing", say`${files.name} has no ${file}`);
  return source;
}

async function openFolder(files: ModelFiles, names: readonly string[], weights: string): Promise<OpenModel> {
  const json = await readJson(files, "config.json");
  const config = parseModelConfig(json);
  const generation = asRecord(await readJson(files, "generation_config.json"));
  const tokenizerConfig = asRecord(await readJson(files, "tokenizer_config.json", "tokenizer.invalid"));
  const open = (file: string) => sourceOf(files, file);
  const readHeaders = async (): Promise<WeightFile> => {
    const isOne = !weights.endsWith(".json");
    return fullyNamed(
      config,
      isOne
        ? await openSafetensors(await open(weights))
        : await openSafetensorsShards(await readJson(files, weights), open),
    );
  };
  let reading: Promise<WeightFile> | undefined; // plans ask at every change of a recipe
  return {
    name: files.name,
    container: "safetensors",
    config,
    weights: () => (reading ??= readHeaders()),
    tokenizerJson: await readTokenizerJson(files, names, tokenizerConfig),
    tokenizerConfig,
    stopIds: [...config.eosTokenIds, ...idsOf(generation["eos_token_id"])],
    chatTemplate:
      findChatTemplate(tokenizerConfig) ??
      findChatTemplate({ ...tokenizerConfig, chat_template: await readText(files, "chat_template.jinja") }),
    licence: licenceOf(await readText(files, "README.md")),
  };
}

async function readTokenizerJson(
  files: ModelFiles,
  names: readonly string[],
  tokenizerConfig: Record<string, unknown>,
): Promise<unknown> {
  const whole = await readJson(files, "tokenizer.json", "tokenizer.invalid");
  if (whole !== null) return whole;
  if (names.includes("vocab.json") && names.includes("merges.txt")) {
    const vocabulary = await readJson(files, "vocab.json", "tokenizer.invalid");
    return tokenizerFromMerges(vocabulary, (await readText(files, "merges.txt")) ?? "", tokenizerConfig);
  }
  const pieces = names.includes("tokenizer.model");
  return fail(
    pieces ? say`tokenizer.json is missing: tokenizer.model alone is not read` : say`tokenizer.json is missing`,
  );
}

/** From the front matter of a model card. */
function licenceOf(card: string | null): string {
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card ?? "")?.[1] ?? "";
  return /^license:\s*["']?([^"'\r\n]+?)["']?\s*$/m.exec(front)?.[1] ?? "";
}

async function openGgufModel(files: ModelFiles, weights: string): Promise<OpenModel> {
  const { metadata, config: json, file } = await openGguf(await sourceOf(files, weights));
  const config = parseModelConfig(json);
  const { tokenizerJson, tokenizerConfig, eosTokenIds } = tokenizerFromGguf(metadata);
  const licence = metadata.get("general.license");
  return {
    name: files.name,
    container: "gguf",
    config,
    weights: () => Promise.resolve(file),
    tokenizerJson,
    tokenizerConfig,
    stopIds: [...config.eosTokenIds, ...eosTokenIds],
    chatTemplate: findChatTemplate(tokenizerConfig),
    licence: typeof licence === "string" ? licence : "",
    ggufTokenizer: () => copyGgufTokenizer(metadata),
  };
}

async function openLlama2cModel(files: ModelFiles, names: readonly string[], weights: string): Promise<OpenModel> {
  const tokens = names.find((name) => name !== weights && name.endsWith(".bin"));
  const { config, file } = await openLlama2c(await sourceOf(files, weights));
  const source = await sourceOf(files, tokens ?? "tokenizer.bin");
  const { tokenizerJson, tokenizerConfig } = tokenizerFromGguf(
    readLlama2cTokenizer(await source.read(0, source.size), config.vocabSize),
  );
  return {
    name: files.name,
    container: "llama2c",
    config,
    weights: () => Promise.resolve(file),
    tokenizerJson,
    tokenizerConfig,
    stopIds: config.eosTokenIds,
    chatTemplate: null,
    licence: "",
  };
}

/** Throws `tokenizer.invalid`. */
export function openTokenizer({ config, tokenizerJson, tokenizerConfig }: OpenModel): Tokenizer {
  const tokenizer = loadTokenizer(tokenizerJson, tokenizerConfig, config.eosTokenIds);
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new StudioError(
      "tokenizer.invalid",
      say`The tokenizer has ${tokenizer.vocabSize} tokens, the model ${config.vocabSize}`,
    );
  }
  return tokenizer;
}

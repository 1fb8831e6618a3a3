/** @file The studio's side of the interop tests: `node scripts/bundle.mjs interop/anneal.ts COMMAND ARGS…`. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  type Adaptation,
  adaptationTensors,
  type Lora,
  type MethodOf,
  methodTensors,
  newMethod,
} from "../src/core/adaptation";
import { linearNamesOf } from "../src/core/adapter";
import { StudioError } from "../src/core/errors";
import { type ModelConfig, parseModelConfig } from "../src/core/model";
import { newRandom } from "../src/core/random";
import { newRecipe } from "../src/core/recipe";
import { tensorShapes } from "../src/core/tensorNames";
import { loadTokenizer } from "../src/data/tokenizer";
import { newHuggingFaceFolder } from "../src/formats/huggingFace";
import { canMerge, mergedConfig, newMerger } from "../src/formats/merge";
import { newModelCard } from "../src/formats/modelCard";
import { newPeftFiles, parsePeft } from "../src/formats/peft";
import { parseSafetensors, type SafeTensorInput, writeSafetensors } from "../src/formats/safetensors";
import { type NamedFile, newZip } from "../src/formats/zip";
import { type AdapterFiles, newAdapterFiles, readAdapterFiles } from "../src/jobs/adapterFiles";
import { newExport } from "../src/jobs/exportFormats";
import { nextTokens } from "../src/jobs/nextTokens.fixture";
import { filesInMemory, openModel } from "../src/jobs/openModel";
import { newTinyModel } from "../src/jobs/tinyModel";
import { openDevice } from "../src/kernels/device";
import { loadAdapter } from "../src/model/adapter";
import { logits } from "../src/model/generation";
import { loadLlama } from "../src/model/llama";
import { newOptimizer, trainStep } from "../src/model/training";
import { extractFlexible, extractStrict, isCorrect, standardError } from "../src/scoring/gsm8k";
import { type RewardCase, runRewardCase } from "./rewardCase";

type Tensors = Map<string, { shape: number[]; values: Float32Array<ArrayBuffer> }>;

const readJson = async (file: string) => JSON.parse(await readFile(file, "utf8")) as unknown;
const readBytes = async (file: string) => new Uint8Array(await readFile(file));

async function writeFolder(folder: string, files: readonly NamedFile[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { path: name, bytes } of files) await writeFile(path.join(folder, name), bytes);
}

function newTensors(shapes: ReadonlyMap<string, number[]>, seed: number): Tensors {
  const random = newRandom(seed);
  return new Map(
    [...shapes].map(([name, shape]) => {
      const norm = name.endsWith("norm.weight") ? 1 : 0;
      const size = shape.reduce((product, n) => product * n, 1);
      return [name, { shape, values: Float32Array.from({ length: size }, () => norm + 0.2 * random.normal()) }];
    }),
  );
}

async function mergeInMemory(
  base: Tensors,
  config: ModelConfig,
  adaptation: Adaptation,
  adapter: AdapterFiles["tensors"],
) {
  const { shapes, rows } = newMerger(config, adaptation, adapter);
  const read = rows((name, from, to) => {
    const { shape, values } = base.get(name) ?? { shape: [], values: new Float32Array() };
    const width = values.length / (shape[0] ?? 1);
    return Promise.resolve(values.slice(from * width, to * width));
  });
  const merged = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const [name, shape] of shapes) merged.set(name, { shape, values: await read(name, 0, shape[0] ?? 0) });
  return merged;
}

/** Logits of our engine for one sequence, [T, V]. */
async function engineLogits(config: ModelConfig, weights: Tensors, lora: Lora, adapter: Tensors, tokens: number[]) {
  await openDevice("cpu");
  const llama = loadLlama(config, weights);
  const values = await logits(llama, loadAdapter(llama, [lora], adapter), tokens);
  const T = tokens.length;
  return { shape: [T, config.vocabSize], values: values.slice(0, T * config.vocabSize) };
}

type PeftCase = {
  /** Folders. */
  base: string;
  adapter: string;
  out: string;
  tokens: number[];
  rows: number[][][];
  learningRate: number;
  plusRatio: number;
};

/**
 * A folder that PEFT wrote for a base's folder, read, run, trained and written again: `out` gets results.safetensors
 * with our engine's logits for the tokens and the losses of a step of AdamW for each of `rows`, adapter/ as we write it,
 * and merged/ where it can be merged.
 */
async function runPeftCase({ base, adapter: folder, out, tokens, rows, learningRate, plusRatio }: PeftCase) {
  const file = async (place: string, name: string) => readBytes(path.join(place, name));
  const config = parseModelConfig(await readJson(path.join(base, "config.json")));
  const read = await readAdapterFiles((name) => file(folder, name).catch(() => null), config);
  const adaptation = read.adaptation.map((method) => (method.kind === "lora" ? { ...method, plusRatio } : method));
  const { tensors } = read;
  const { tensors: weights } = parseSafetensors(await file(base, "model.safetensors"));

  const written = newAdapterFiles({ config, adaptation, tensors, baseName: base, card: "" });
  await writeFolder(path.join(out, "adapter"), written);
  if (canMerge(adaptation) === null) {
    const merged = {
      config: mergedConfig(config, adaptation),
      tensors: await mergeInMemory(weights, config, adaptation, tensors),
      tokenizerJson: {},
      tokenizerConfig: {},
      dtype: "float32" as const,
    };
    await writeFolder(path.join(out, "merged"), newHuggingFaceFolder(merged));
  }

  const llama = loadLlama(config, weights);
  const adapter = loadAdapter(llama, adaptation, tensors);
  const values = await logits(llama, adapter, tokens);
  const optimizer = newOptimizer(adapter, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 });
  const losses: number[] = [];
  for (const batch of rows) {
    const settings = { learningRate, maxGradNorm: 1, dropoutSeed: 1 };
    losses.push((await trainStep(llama, adapter, optimizer, [nextTokens(batch)], settings)).loss);
  }
  const results = new Map<string, SafeTensorInput>([
    ["logits", { shape: [tokens.length, config.vocabSize], values }],
    ["losses", { shape: [losses.length], values: Float32Array.from(losses) }],
  ]);
  await writeFile(path.join(out, "results.safetensors"), writeSafetensors(results));
}

type LoarCase = {
  /** A folder with config.json and model.safetensors, of a vocabulary of 257 bytes. */
  base: string;
  out: string;
  mode: MethodOf<"loar">["mode"];
  hasLora: boolean;
  tokens: number[];
  marks: number[];
};

/** Random LoAR, with LoRA where asked, exported as for transformers; our engine's logits in results.safetensors. */
async function runLoarCase({ base, out, mode, hasLora, tokens, marks }: LoarCase) {
  const tiny = newTinyModel();
  const own = await Promise.all(
    ["config.json", "model.safetensors"].map(async (name) => ({
      path: name,
      bytes: await readBytes(path.join(base, name)),
    })),
  );
  const files = [...own];
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    const source = await tiny.open(name);
    if (source) files.push({ path: name, bytes: await source.read(0, source.size) });
  }
  const open = await openModel(filesInMemory(base, files));
  const adaptation: Adaptation = [
    newMethod("loar", { mode }),
    ...(hasLora ? [newMethod("lora", { rank: 3, alpha: 5, targetModules: linearNamesOf(open.config) })] : []),
  ];
  const tensors = newTensors(adaptationTensors(open.config, adaptation), 7);
  const recipe = newRecipe({ adaptation });
  const { files: written } = await newExport(
    { kind: "loar" },
    {
      open,
      adapter: { adaptation, tensors },
      recipe,
      baseName: base,
      name: "interop",
      card: "",
      readAsset: (name) => readBytes(path.join("public", name)),
    },
  );
  for (const { path: name, bytes } of written) {
    await mkdir(path.dirname(path.join(out, name)), { recursive: true });
    await writeFile(path.join(out, name), bytes());
  }
  const { tensors: weights } = parseSafetensors(await readBytes(path.join(base, "model.safetensors")));
  const llama = loadLlama(open.config, weights);
  const values = await logits(llama, loadAdapter(llama, adaptation, tensors), tokens, Uint8Array.from(marks));
  const shape = [tokens.length, open.config.vocabSize];
  await writeFile(path.join(out, "results.safetensors"), writeSafetensors(new Map([["logits", { shape, values }]])));
}

const commands: Record<string, (...words: string[]) => Promise<void>> = {
  /**
   * A base, a random adapter for it (B not zero) and the two merged, as folders, with our engine's logits for the tokens.
   * SETTINGS: {base: folder or null, config, dtype, lora, tokens}.
   */
  async adapter(settingsFile = "", out = "") {
    const settings = (await readJson(settingsFile)) as {
      base: string | null;
      config: unknown;
      dtype: "float16" | "float32";
      lora: Partial<Lora>;
      tokens: number[];
    };
    const { base, dtype, tokens } = settings;
    const config = parseModelConfig(base ? await readJson(path.join(base, "config.json")) : settings.config);
    const lora = newMethod("lora", { rank: 4, alpha: 8, targetModules: linearNamesOf(config), ...settings.lora });
    const tokenizerJson = base ? await readJson(path.join(base, "tokenizer.json")) : {};
    const tokenizerConfig = base ? await readJson(path.join(base, "tokenizer_config.json")) : {};
    const folder = (tensors: Parameters<typeof newHuggingFaceFolder>[0]["tensors"]) =>
      newHuggingFaceFolder({ config, tensors, tokenizerJson, tokenizerConfig, dtype });
    const made = base
      ? await readBytes(path.join(base, "model.safetensors"))
      : (folder(newTensors(tensorShapes(config), 1)).find((file) => file.path === "model.safetensors")?.bytes ??
        new Uint8Array(0));
    const weights = parseSafetensors(made).tensors; // as they are once rounded to the dtype
    const adapter = newTensors(methodTensors(config, lora), 2);
    const recipe = newRecipe({ name: "interop", adaptation: [lora] });
    const card = newModelCard({ recipe, before: null, after: null, baseName: path.join(out, "base") });
    const peft = newPeftFiles({ config, method: lora, tensors: adapter, baseName: path.join(out, "base"), card });
    await writeFolder(path.join(out, "base"), folder(weights));
    await writeFolder(path.join(out, "adapter"), peft);
    await writeFile(path.join(out, "adapter.zip"), await newZip(peft));
    const merged = await mergeInMemory(weights, config, [lora], adapter);
    const mergedFiles = newHuggingFaceFolder({
      config,
      tensors: merged,
      tokenizerJson,
      tokenizerConfig,
      dtype: "float32",
    });
    await writeFolder(path.join(out, "merged"), mergedFiles);
    const ours = await engineLogits(config, weights, lora, adapter, tokens);
    await writeFile(path.join(out, "logits.safetensors"), writeSafetensors(new Map([["logits", ours]])));
  },

  /** Reads an adapter's folder for a base's configuration; writes its settings and tensors. */
  async peft(folder = "", configFile = "", out = "") {
    const files = {
      adapter_config: await readJson(path.join(folder, "adapter_config.json")),
      safetensors: await readBytes(path.join(folder, "adapter_model.safetensors")),
    };
    const { method: lora, tensors } = parsePeft(files, parseModelConfig(await readJson(configFile)));
    await writeFolder(out, [{ path: "tensors.safetensors", bytes: writeSafetensors(tensors) }]);
    await writeFile(path.join(out, "lora.json"), JSON.stringify(lora));
  },

  /** Each of a list of PeftCase, see there. */
  async peftCases(casesFile = "") {
    await openDevice("wasm");
    for (const each of (await readJson(casesFile)) as PeftCase[]) await runPeftCase(each);
  },

  /** Each of a list of RewardCase, see there. */
  async rewardCases(casesFile = "") {
    await openDevice("wasm");
    for (const each of (await readJson(casesFile)) as RewardCase[]) await runRewardCase(each);
  },

  /** Each of a list of LoarCase, see there. */
  async loarCases(casesFile = "") {
    await openDevice("wasm");
    for (const each of (await readJson(casesFile)) as LoarCase[]) await runLoarCase(each);
  },

  /** Ids and decoded text of each text. */
  async tokenize(folder = "", textsFile = "", out = "") {
    const config = await readJson(path.join(folder, "tokenizer_config.json")).catch(() => ({}));
    const tokenizer = loadTokenizer(await readJson(path.join(folder, "tokenizer.json")), config, [0]);
    const texts = (await readJson(textsFile)) as string[];
    const results = texts.map((text) => {
      const ids = tokenizer.encode(text);
      return { ids, text: tokenizer.decode(ids) };
    });
    await writeFile(out, JSON.stringify({ vocabSize: tokenizer.vocabSize, prefix: tokenizer.prefix, results }));
  },

  /** Answers extracted from each completion, and whether they are right. */
  async score(pairsFile = "", out = "") {
    const pairs = (await readJson(pairsFile)) as { completion: string; reference: string }[];
    const results = pairs.map(({ completion, reference }) => {
      const [strict, flexible] = [extractStrict(completion), extractFlexible(completion)];
      return [strict, isCorrect(strict, reference), flexible, isCorrect(flexible, reference)];
    });
    const right = results.filter(([, strict]) => strict).length;
    const stderr = standardError(right / results.length, results.length);
    await writeFile(out, JSON.stringify({ results, stderr }));
  },

  /** Reads a safetensors file and writes it again, each tensor in its own dtype (F32 or F16). */
  async rewrite(file = "", out = "") {
    const { tensors, metadata } = parseSafetensors(await readBytes(file));
    const again = new Map<string, SafeTensorInput>();
    for (const [name, { shape, values, dtype }] of tensors)
      again.set(name, { shape, values, dtype: dtype === "F16" ? "F16" : "F32" });
    await writeFile(out, writeSafetensors(again, metadata));
  },

  /** Reads a safetensors file and writes it in half precision. */
  async narrow(file = "", out = "") {
    const { tensors } = parseSafetensors(await readBytes(file));
    const half = [...tensors].map(
      ([name, { shape, values }]) => [name, { shape, values, dtype: "F16" as const }] as const,
    );
    await writeFile(out, writeSafetensors(new Map(half)));
  },

  /** The shapes read from each file, given in hexadecimal; null where it is refused. */
  async mutants(filesFile = "", out = "") {
    const files = (await readJson(filesFile)) as string[];
    const shapes = files.map((file) => {
      try {
        const { tensors } = parseSafetensors(Uint8Array.from(Buffer.from(file, "hex")));
        return Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
      } catch (error) {
        if (error instanceof StudioError) return null;
        throw error;
      }
    });
    await writeFile(out, JSON.stringify(shapes));
  },

  /** Reads a safetensors file and writes every tensor as f32. */
  async widen(file = "", out = "") {
    const { tensors } = parseSafetensors(await readBytes(file));
    await writeFile(
      out,
      writeSafetensors(new Map([...tensors].map(([n, { shape, values }]) => [n, { shape, values }]))),
    );
  },

  /** The default recipe with some fields changed, two levels deep. */
  async recipe(changesFile = "", out = "") {
    const recipe: Record<string, unknown> = newRecipe();
    for (const [key, change] of Object.entries((await readJson(changesFile)) as Record<string, unknown>)) {
      recipe[key] = typeof change === "object" ? { ...(recipe[key] as object), ...change } : change;
    }
    await writeFile(out, JSON.stringify(recipe));
  },
};

const [, , command = "", ...words] = process.argv;
const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
if (!run) throw new Error(`No command ${command}; there are ${Object.keys(commands).join(", ")}`);
await run(...words);

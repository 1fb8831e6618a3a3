/**
 * @file The proof that an export is what was trained: its very bytes, read back through the readers that any file goes
 * through, compute the logits of the trained adapter on its base.
 *
 * One model is on the device at a time, but for one that is there already; beside it the reference's logits are kept,
 * at most `keptBytes`.
 */

import { bytesSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { boundOf, type ExportFormat, type ExportProof, type ProofBound } from "../core/exportFormat";
import type { ModelConfig } from "../core/model";
import type { WeightFormat } from "../core/packing";
import type { Recipe } from "../core/recipe";
import { say } from "../core/say";
import { newDocument } from "../data/mask";
import type { Tokenizer } from "../data/tokenizer";
import { parseGgufAdapter } from "../formats/ggufAdapter";
import { disposeAdapter, loadAdapter } from "../model/adapter";
import { logits } from "../model/generation";
import type { Llama } from "../model/llama";
import { type AdapterFiles, readAdapterFiles } from "./adapterFiles";
import { type LoadedModel, type LoadOptions, loadModel, unloadModel } from "./loadModel";
import { newLogic } from "./logic";
import { loraOfModules } from "./loraModules";
import { type ModelFiles } from "./openModel";
import { type Source, splitSource } from "./prepareData";

export type ProofPrompt = {
  tokens: number[];
  /** 1 where a token carries logic, for LoAR. */
  marks?: Uint8Array | undefined;
};

const mostPrompts = 8;
const mostTokens = 128;
/** Numbers of the reference that are kept: 64 MB. */
const mostNumbers = 2 ** 24;

/** Of the first held-out rows: prompt and answer as training reads them. Throws as `splitSource` does. */
export async function newProofPrompts(source: Source, recipe: Recipe, tokenizer: Tokenizer): Promise<ProofPrompt[]> {
  const { heldout, train } = splitSource(source, recipe);
  const logic = await newLogic(recipe, tokenizer);
  const examples = heldout.length > 0 ? heldout : train;
  return examples.slice(0, mostPrompts).map((example) => {
    const document = newDocument(example, recipe.template, tokenizer, "all", Number.MAX_SAFE_INTEGER);
    const marks = logic?.ofDocument(example, document);
    return { tokens: [...document.tokens].slice(0, mostTokens), marks: marks?.slice(0, mostTokens) };
  });
}

export type ProofInputs = {
  format: ExportFormat;
  /** The files of the export, wherever they were written. */
  exported: ModelFiles;
  base: ModelFiles;
  /** As the run had the base on the device. */
  precision: WeightFormat | undefined;
  adapter: AdapterFiles;
  prompts: readonly ProofPrompt[];
  /** The base where it is on the device already; it stays there. */
  loaded?: LoadedModel;
  signal: AbortSignal;
};

/**
 * The device is open. Throws what reading the export throws: then it is no good either, and the error says where.
 * `run.rows` where there is no prompt.
 */
export async function proveExport(inputs: ProofInputs): Promise<ExportProof> {
  const { format, exported, base, precision, adapter, prompts, loaded, signal } = inputs;
  if (prompts.length === 0) throw new StudioError("run.rows", say`There is no held-out row to prove the export on`);
  const bound = boundOf(format);
  const isModel = format.kind === "merged" || format.kind === "gguf";
  const { wanted, got, config } = await withModel(base, { precision, signal }, loaded, async ({ llama, config }) => {
    const wanted = await runPrompts(llama, adapter, prompts, signal);
    const read = isModel ? null : await readExported(format, exported, config);
    return { wanted, config, got: read && (await runPrompts(llama, read, prompts, signal)) };
  });
  if (got) return compare(got, wanted, config, bound);
  return withModel(exported, { signal }, undefined, async ({ llama }) =>
    compare(await runPrompts(llama, null, prompts, signal), wanted, config, bound),
  );
}

/** Loads a model for as long as it is used, unless it is there already. */
async function withModel<T>(
  files: ModelFiles,
  options: LoadOptions,
  loaded: LoadedModel | undefined,
  use: (model: LoadedModel) => Promise<T>,
): Promise<T> {
  if (loaded) return use(loaded);
  const model = await loadModel(files, options);
  try {
    return await use(model);
  } finally {
    unloadModel(model);
  }
}

/** Each prompt's logits, of its last places where all would be too many: [places, V]. */
async function runPrompts(
  llama: Llama,
  files: AdapterFiles | null,
  prompts: readonly ProofPrompt[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const V = llama.config.vocabSize;
  const places = Math.max(1, Math.floor(mostNumbers / (prompts.length * V)));
  const adapter = files && loadAdapter(llama, files.adaptation, files.tensors);
  const found: Float32Array[] = [];
  try {
    for (const { tokens, marks } of prompts) {
      signal.throwIfAborted();
      const all = await logits(llama, adapter, tokens, marks);
      found.push(all.slice(Math.max(0, all.length - places * V)));
    }
  } finally {
    if (adapter) disposeAdapter(adapter);
  }
  return found;
}

/** The adapter that an export's files hold. */
async function readExported(format: ExportFormat, exported: ModelFiles, config: ModelConfig): Promise<AdapterFiles> {
  const read = async (file: string) => {
    const source = await exported.open(file);
    return source && source.read(0, source.size);
  };
  if (format.kind === "gguf-adapter") {
    const bytes = await read("adapter.gguf");
    if (!bytes) throw new StudioError("adapter.invalid", say`adapter.gguf is missing`);
    return loraOfModules(config, await parseGgufAdapter(bytesSource(bytes, "adapter.gguf"), config));
  }
  return readAdapterFiles(read, config);
}

/** Where the largest of V numbers from `from` on stands. */
function likeliest(values: Float32Array, from: number, V: number): number {
  let best = 0;
  for (let i = 1; i < V; i++) if ((values[from + i] ?? 0) > (values[from + best] ?? 0)) best = i;
  return best;
}

function compare(
  got: readonly Float32Array[],
  wanted: readonly Float32Array[],
  { vocabSize: V }: ModelConfig,
  bound: ProofBound,
): ExportProof {
  let [largestDifference, relative, same, places] = [0, 0, 0, 0];
  wanted.forEach((b, prompt) => {
    const a = got[prompt] ?? new Float32Array();
    let [error, norm] = [a.length === b.length ? 0 : Number.NaN, 0];
    for (let i = 0; i < b.length; i++) {
      const [x = Number.NaN, y = 0] = [a[i], b[i]];
      largestDifference = Math.max(largestDifference, Math.abs(x - y)); // NaN stays
      error += (x - y) ** 2;
      norm += y * y;
    }
    relative = Math.max(relative, Math.sqrt(error / norm));
    for (let from = 0; from < b.length; from += V, places++)
      if (likeliest(a, from, V) === likeliest(b, from, V)) same++;
  });
  const agreement = same / places;
  const isGood = relative <= bound.relative && agreement >= bound.agreement;
  return { prompts: wanted.length, places, largestDifference, relative, agreement, bound, isGood };
}

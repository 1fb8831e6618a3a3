/** @file What a recipe's rows come to in tokens: of answers to imitate, of pairs, of what was judged, of prompts. */

import type { Example } from "../core/dataset";
import type { ModelConfig } from "../core/model";
import { nextTick } from "../core/nextTick";
import { isPolicy, lossOnOf, rowsOf } from "../core/objective";
import { seedFor, shuffled } from "../core/random";
import type { Recipe } from "../core/recipe";
import { type Document, newDocument } from "../data/mask";
import type { Tokenizer } from "../data/tokenizer";
import type { Extents } from "./planMemory";
import { contextOf, scoringOf, type TrainingData } from "./prepareData";

/** Rows tokenized to the last one; of larger data sets a sample of so many speaks for all. */
const countedRows = 20_000;
/** Milliseconds of tokenizing between two turns of the event loop. */
const slice = 25;

/** By row counted; all zero for a row that lacks what the objective learns from. */
export type Lengths = {
  /** Tokens of its longest answer with the prompt, and the most that are trained of one. */
  tokens: Uint32Array;
  trained: Uint32Array;
  prompts: Uint32Array;
  /** Tokens of all its answers, each with the prompt. */
  all: Uint32Array;
  /** Rows that each counted row speaks for. */
  weight: number;
};

/** The tokens of the training rows, under the recipe's template. Throws the signal's reason when aborted. */
export async function measureLengths(
  examples: readonly Example[],
  recipe: Pick<Recipe, "template" | "objective">,
  tokenizer: Tokenizer,
  signal: AbortSignal,
): Promise<Lengths> {
  const count = Math.min(examples.length, countedRows);
  const order = count < examples.length ? shuffled(examples.length, seedFor(1, "plan")) : null;
  const numbers = () => new Uint32Array(count);
  const lengths = { tokens: numbers(), trained: numbers(), prompts: numbers(), all: numbers() };
  let paused = performance.now();
  for (let i = 0; i < count; i++) {
    const example = examples[order?.[i] ?? i];
    const documents = example ? documentsOf(example, recipe, tokenizer) : [];
    for (const { tokens, trained, promptLength } of documents) {
      lengths.tokens[i] = Math.max(lengths.tokens[i] ?? 0, tokens.length);
      lengths.trained[i] = Math.max(lengths.trained[i] ?? 0, countOnes(trained));
      lengths.prompts[i] = promptLength;
      lengths.all[i] = (lengths.all[i] ?? 0) + tokens.length;
    }
    if (performance.now() - paused > slice) {
      await nextTick();
      signal.throwIfAborted();
      paused = performance.now();
    }
  }
  return { ...lengths, weight: examples.length / count };
}

/** What an objective reads of a row: its answer, both of a pair, one that was judged; of a prompt the answer that is right. */
function documentsOf(
  example: Example,
  { template, objective }: Pick<Recipe, "template" | "objective">,
  tokenizer: Tokenizer,
): Document[] {
  const toDocument = (each: Example) =>
    newDocument(each, template, tokenizer, lossOnOf(objective), Number.MAX_SAFE_INTEGER);
  const kind = rowsOf(objective);
  if (kind === "judged") return example.label === undefined ? [] : [toDocument(example)];
  if (kind !== "pairs") return [toDocument(example)];
  const { rejected } = example;
  return rejected === undefined ? [] : [toDocument(example), toDocument({ ...example, completion: rejected })];
}

const countOnes = (trained: Document["trained"]) => trained.reduce((sum, one) => sum + one, 0);
export const most = (numbers: readonly number[]) => numbers.reduce((a, b) => Math.max(a, b), 0);
const meanOf = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / Math.max(1, numbers.length);

/** The extents of data that is already tokenized. */
export function extentsOf(data: TrainingData): Extents {
  const pairs = data.pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const judged = data.judged.map(({ document }) => document);
  const documents = [...data.train.filter(({ tooLong }) => !tooLong), ...pairs, ...judged];
  const prompts = data.asked.map(({ ids }) => ids.length);
  return {
    longest: most(documents.map(({ tokens }) => tokens.length)),
    trained: most(documents.map(({ trained }) => countOnes(trained))),
    prompt: most([...prompts, ...documents.map(({ promptLength }) => promptLength)]),
    heldout: Math.max(data.heldout.length, data.finalProblems.length, data.samples.length),
    isScored: data.scoring !== "none",
  };
}

/** What the rows come to that the run learns from. */
export type Counted = {
  rows: number;
  /** Left out: too long for the context, or prompts that leave no room for an answer. */
  tooLong: number;
  extents: Extents;
  /** Tokens of a row with its longest answer, and of all its answers; of its prompt, and of one answer. Means. */
  meanTokens: number;
  meanAll: number;
  meanPrompt: number;
  meanAnswer: number;
};

export function countRows(recipe: Recipe, config: ModelConfig, lengths: Lengths, heldout: readonly Example[]): Counted {
  const context = contextOf(recipe, config);
  const there = [...lengths.tokens.keys()].filter((i) => (lengths.tokens[i] ?? 0) > 0);
  const documents = there.filter((i) => (lengths.tokens[i] ?? 0) <= context);
  const prompts = there.filter((i) => (lengths.prompts[i] ?? 0) < config.maxPositions);
  const isAsked = rowsOf(recipe.objective) === "prompts";
  const used = isAsked ? prompts : documents;
  const of = (numbers: Uint32Array, some: readonly number[]) => some.map((i) => numbers[i] ?? 0);
  const rows = Math.round(used.length * lengths.weight);
  const meanPrompt = meanOf(of(lengths.prompts, used));
  return {
    rows,
    tooLong: Math.round(there.length * lengths.weight) - rows,
    extents: {
      longest: most(of(lengths.tokens, documents)),
      trained: most(of(lengths.trained, documents)),
      prompt: most(of(lengths.prompts, used)),
      heldout: heldout.length,
      isScored: scoringOf(heldout) !== "none",
    },
    meanTokens: meanOf(of(lengths.tokens, documents)),
    meanAll: meanOf(of(lengths.all, documents)),
    meanPrompt,
    meanAnswer: meanOf(documents.map((i) => (lengths.tokens[i] ?? 0) - (lengths.prompts[i] ?? 0))),
  };
}

/** Rows that a step of the recipe's own objective learns from: pairs, where it compares two answers. */
export function rowsAStep({ objective, batching: { rows, accumulation } }: Recipe): number {
  if (isPolicy(objective)) return objective.prompts;
  const isPaired = objective.kind === "dpo" || objective.kind === "reward";
  return (isPaired ? Math.max(1, Math.floor(rows / 2)) : rows) * accumulation;
}

/** Of all that are there: those that were imitated first are not asked, and pairs of the model's own are so many at most. */
export function rowsLearnt({ objective, sftFirst }: Recipe, rows: number): number {
  if (objective.kind === "dpo" && objective.sampled) return Math.min(objective.sampled.pairs, rows);
  const left = rows - (isPolicy(objective) ? (sftFirst?.rows ?? 0) : 0);
  return left > 0 ? left : rows;
}

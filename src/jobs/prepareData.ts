/** @file From rows to what a run trains on and is measured by: split, template, tokens, and how answers are scored. */

import type { Example } from "../core/dataset";
import { StudioError } from "../core/errors";
import type { RunEvent } from "../core/metrics";
import type { ModelConfig } from "../core/model";
import { nextTick } from "../core/nextTick";
import { lossOnOf, rowsOf } from "../core/objective";
import { seedFor, shuffled } from "../core/random";
import type { Recipe } from "../core/recipe";
import { say } from "../core/say";
import { type Document, encodePrompt, newDocument } from "../data/mask";
import { solutionParts } from "../data/solutionParts";
import { shuffleAnswers, splitRows } from "../data/split";
import { applyTemplate } from "../data/template";
import type { Tokenizer } from "../data/tokenizer";
import { hasAnswer } from "../scoring/gsm8k";
import { type Logic, newLogic } from "./logic";

/** The rows of a data set as examples. `heldout` is null where the source brings none of its own. */
export type Source = { examples: Example[]; heldout: Example[] | null };

export type Scoring = "gsm8k" | "exact-match" | "none";

/** A held-out prompt to be answered. */
export type Problem = { index: number; prompt: string; ids: number[]; reference: string; marks?: Uint8Array };

/** Two answers to one prompt, the better one first. */
export type Pair = { chosen: Document; rejected: Document; dimension: string | null };
/** An answer that was judged. */
export type Judged = { document: Document; isDesirable: boolean };

export type TrainingData = {
  /** Answers to imitate: all of them, or those of the stage before rewards. */
  train: Document[];
  /** What the objective learns from, where that is not answers to imitate; held-out ones for its figures. */
  pairs: Pair[];
  heldoutPairs: Pair[];
  judged: Judged[];
  heldoutJudged: Judged[];
  /** Prompts that the model answers itself, and what is right. */
  asked: Problem[];
  /** Held-out rows for the evaluation loss; none where the objective has a loss of its own. */
  heldout: Document[];
  /** Held-out prompts for accuracy, in a fixed order. */
  problems: Problem[];
  /** The same and more, for the last evaluation. */
  finalProblems: Problem[];
  /** Held-out prompts shown at every evaluation. */
  samples: Problem[];
  scoring: Scoring;
  /** Rows longer than the context: left out of training. */
  tooLong: number;
  /** What marks prompts and answers, for an adapter that asks. */
  logic: Logic | null;
};

/** Completions up to this many characters can be asked for to the letter. */
const shortAnswer = 64;
/** Milliseconds of tokenizing between two turns of the event loop. */
const slice = 30;

/** Whether an answer may be imitated, or stand as what is right: one that a row calls bad may not. */
const isGood = ({ label }: Example) => label !== false;

/** How held-out rows can be scored: by their final number, to the letter where they are short, or not at all. */
export function scoringOf(references: readonly Example[]): Scoring {
  const good = references.filter(isGood);
  if (good.length === 0) return "none";
  const share = (test: (completion: string) => boolean) =>
    good.filter(({ completion }) => test(completion)).length / good.length;
  if (share(hasAnswer) >= 0.9) return "gsm8k";
  if (share((completion) => completion.trim().length <= shortAnswer) >= 0.9) return "exact-match";
  return "none";
}

/** Which examples are trained on and which are held out, by the recipe's seed. Throws `run.rows`. */
export function splitSource(source: Source, recipe: Recipe): { train: Example[]; heldout: Example[] } {
  const { evaluationShare, limit, shuffleAnswers: shuffles } = recipe.data;
  const examples = recipe.objective.kind === "sft" ? source.examples.filter(isGood) : source.examples;
  if (examples.length === 0 && source.examples.length > 0)
    throw new StudioError("run.rows", say`Every row is labelled as bad`);
  const pick = (rows: ArrayLike<number>) => Array.from(rows).flatMap((i) => examples[i] ?? []);
  let train = examples;
  let heldout = source.heldout;
  if (!heldout) {
    const split = splitRows(examples.length, evaluationShare, recipe.seed);
    const order = shuffled(split.evaluation.length, seedFor(recipe.seed, "heldout"));
    heldout = pick(Array.from(order, (i) => split.evaluation[i] ?? 0));
    train = pick(split.train);
  }
  if (limit > 0 && limit < train.length) {
    const kept = shuffled(train.length, seedFor(recipe.seed, "limit")).slice(0, limit).sort();
    train = Array.from(kept).flatMap((i) => train[i] ?? []);
  }
  if (train.length === 0) throw new StudioError("run.rows");
  return { train: shuffles ? shuffleAnswers(train, recipe.seed) : train, heldout };
}

/** Documents may be as long as the recipe says, and as the model can read. */
export const contextOf = (recipe: Recipe, config: ModelConfig) =>
  Math.min(recipe.batching.contextLength || config.maxPositions, config.maxPositions);

/** A held-out row as a prompt; what is asked of the model is what training shows it. */
export function newProblem(
  example: Example,
  index: number,
  recipe: Pick<Recipe, "template">,
  tokenizer: Tokenizer,
  logic: Logic | null,
): Problem {
  const { prompt } = applyTemplate(example, recipe.template);
  return {
    index,
    prompt,
    ids: encodePrompt(example.prompt, recipe.template, tokenizer),
    reference: example.completion,
    ...(logic ? { marks: logic.ofPrompt(example.prompt, example.spans, recipe.template) } : {}),
  };
}

/** An example as a document, marked where the adapter asks. */
export function newMarkedDocument(
  example: Example,
  recipe: Pick<Recipe, "template"> & { objective?: Recipe["objective"] },
  tokenizer: Tokenizer,
  context: number,
  logic: Logic | null,
): Document {
  const lossOn = recipe.objective ? lossOnOf(recipe.objective) : "completion";
  const plain = newDocument(example, recipe.template, tokenizer, lossOn, context);
  const isWeighted = recipe.objective?.kind === "sft" && recipe.objective.stepWeight !== undefined;
  const document = isWeighted ? { ...plain, parts: solutionParts(plain, example, tokenizer) } : plain;
  return logic ? { ...document, marks: logic.ofDocument(example, document) } : document;
}

/**
 * Tokenizes what the recipe needs, telling how far it is, and letting the event loop turn.
 * Throws `run.rows` where no row fits, and the signal's reason when aborted.
 */
export async function* prepareData(
  source: Source,
  recipe: Recipe,
  model: { config: ModelConfig; tokenizer: Tokenizer },
  signal: AbortSignal,
): AsyncGenerator<RunEvent, TrainingData> {
  const { train, heldout } = splitSource(source, recipe);
  const { evaluation, sftFirst } = recipe;
  const kind = rowsOf(recipe.objective);
  const finalRows = Math.max(evaluation.rows, evaluation.finalRows ?? 0);
  const context = contextOf(recipe, model.config);
  const logic = await newLogic(recipe, model.tokenizer);
  const toDocument = (example: Example) => newMarkedDocument(example, recipe, model.tokenizer, context, logic);
  const toProblem = (example: Example, i: number) => newProblem(example, i, recipe, model.tokenizer, logic);
  const fits = (problem: Problem) => problem.ids.length < model.config.maxPositions;

  let paused = performance.now();
  /** One row after the other, with pauses. */
  async function* each<T>(
    examples: readonly Example[],
    make: (example: Example, i: number) => T,
  ): AsyncGenerator<RunEvent, T[]> {
    const made: T[] = [];
    for (const [i, example] of examples.entries()) {
      made.push(make(example, i));
      if (performance.now() - paused > slice) {
        yield { event: "progress", phase: "tokenizing", done: i + 1, total: examples.length };
        await nextTick();
        signal.throwIfAborted();
        paused = performance.now();
      }
    }
    return made;
  }

  /** Both answers, or none where one of them is too long. */
  const toPair = (example: Example): Pair[] => {
    if (example.rejected === undefined) return [];
    const chosen = toDocument(example);
    const rejected = toDocument({ ...example, completion: example.rejected });
    return chosen.tooLong || rejected.tooLong ? [] : [{ chosen, rejected, dimension: example.dimension ?? null }];
  };
  const toJudged = (example: Example): Judged[] => {
    const document = toDocument(example);
    return example.label === undefined || document.tooLong ? [] : [{ document, isDesirable: example.label }];
  };

  const data: TrainingData = {
    train: [],
    pairs: [],
    heldoutPairs: [],
    judged: [],
    heldoutJudged: [],
    asked: [],
    heldout: [],
    ...problemsOf(heldout.filter(isGood).slice(0, Math.max(finalRows, evaluation.samples)).map(toProblem).filter(fits)),
    scoring: scoringOf(heldout),
    tooLong: 0,
    logic,
  };
  function problemsOf(problems: Problem[]) {
    return {
      problems: problems.slice(0, evaluation.rows),
      finalProblems: problems.slice(0, finalRows),
      samples: problems.slice(0, evaluation.samples),
    };
  }
  const measured = heldout.slice(0, evaluation.lossRows);
  if (kind === "pairs") {
    data.pairs = (yield* each(train, toPair)).flat();
    data.heldoutPairs = measured.flatMap(toPair);
    data.tooLong = train.filter(({ rejected }) => rejected !== undefined).length - data.pairs.length;
    if (data.pairs.length === 0)
      throw new StudioError("run.rows", say`No row has a chosen and a rejected answer that fit`);
  } else if (kind === "judged") {
    data.judged = (yield* each(train, toJudged)).flat();
    data.heldoutJudged = measured.flatMap(toJudged);
    data.tooLong = train.filter(({ label }) => label !== undefined).length - data.judged.length;
    if (data.judged.length === 0) throw new StudioError("run.rows", say`No row has an answer with a label that fits`);
  } else if (kind === "prompts") {
    const order = shuffled(train.length, seedFor(recipe.seed, "first"));
    const isFirst = new Set(order.slice(0, sftFirst?.rows ?? 0));
    data.train = yield* each(
      train.filter((_, i) => isFirst.has(i)),
      toDocument,
    );
    const rest = train.filter((_, i) => !isFirst.has(i));
    data.asked = (yield* each(rest.length > 0 ? rest : train, toProblem)).filter(fits);
    if (data.asked.length === 0) throw new StudioError("run.rows", say`No prompt leaves room for an answer`);
    data.heldout = measured.map(toDocument);
  } else {
    data.train = yield* each(train, toDocument);
    data.heldout = measured.map(toDocument);
  }
  if (data.train.length > 0) data.tooLong = data.train.filter(({ tooLong }) => tooLong).length;
  return data;
}

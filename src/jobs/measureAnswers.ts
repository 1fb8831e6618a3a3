/** @file Greedy answers to held-out problems, and how many are right. */

import type { RunEvent } from "../core/metrics";
import type { ModelConfig } from "../core/model";
import { nextTick } from "../core/nextTick";
import { seedFor } from "../core/random";
import type { Turns } from "../core/turns";
import type { Adapter } from "../model/adapterParts";
import { generate } from "../model/generation";
import { exactMatch } from "../scoring/exactMatch";
import { scoreGsm8k, standardError } from "../scoring/gsm8k";
import { validShare } from "../scoring/steps";
import type { LoadedModel } from "./loadModel";
import type { Logic } from "./logic";
import type { Problem, Scoring } from "./prepareData";

export type Answer = { problem: Problem; completion: string; strict: boolean; flexible: boolean; exact: boolean };

export type Accuracy = {
  "gsm8k/strict": number | null;
  "gsm8k/flexible": number | null;
  "gsm8k/stderr": number | null;
  exact_match: number | null;
  "steps/valid": number | null;
  n: number;
  outcomes?: string;
};

/** Bytes the key-value cache of one batch of problems may take. */
const maximumCache = 128 * 2 ** 20;
const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0 };

/** Sequences of so many tokens that are written at once. */
export function rowsAtOnce({ layers, keyValueHeads, headDim }: ModelConfig, length: number): number {
  const row = 4 * layers * 2 * keyValueHeads * headDim * length;
  return Math.max(1, Math.min(128, Math.floor(maximumCache / row)));
}

/** Prompts that are answered `copies` times each at once. */
export const promptsAtOnce = (config: ModelConfig, length: number, copies: number) =>
  Math.max(1, Math.floor(rowsAtOnce(config, length) / copies));

/**
 * Answers every problem, many at once, those of like length together. The answers come in the problems' order and do
 * not depend on how they were batched. `until` cuts an answer off where this text begins (few-shot prompts run on).
 * Throws the signal's reason when aborted.
 */
export async function* measureAnswers(
  model: LoadedModel,
  adapter: Adapter | null,
  problems: readonly Problem[],
  options: { maxTokens: number; turns: Turns; signal: AbortSignal; until?: string; logic: Logic | null },
): AsyncGenerator<RunEvent, Answer[]> {
  const { maxTokens, turns, signal, until, logic } = options;
  const order = [...problems.keys()].sort((a, b) => (problems[a]?.ids.length ?? 0) - (problems[b]?.ids.length ?? 0));
  const longest = problems.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const rows = rowsAtOnce(model.config, longest + maxTokens);
  const answers: Answer[] = [];
  for (let from = 0; from < order.length; from += rows) {
    const places = order.slice(from, from + rows);
    const some = places.flatMap((place) => problems[place] ?? []);
    const steps = generate(model.llama, adapter, {
      prompts: some.map(({ ids }) => ids),
      maxTokens,
      sampling: greedy,
      stopIds: model.stopIds,
      ...(logic ? { marks: { prompts: some.map(({ marks }) => marks ?? new Uint8Array(0)), table: logic.table } } : {}),
      signal,
    });
    try {
      let next = await turns(() => steps.next());
      for (let done = 0; !next.done; next = await turns(() => steps.next())) {
        done++;
        if (done % 8 === 0) {
          const share = Math.min(1, done / maxTokens);
          yield { event: "progress", phase: "evaluating", done: from + share * some.length, total: order.length };
        }
        await nextTick();
      }
      next.value.forEach((tokens, i) => {
        const problem = some[i];
        const place = places[i];
        if (problem && place !== undefined) answers[place] = newAnswer(problem, model.tokenizer.decode(tokens), until);
      });
    } finally {
      await steps.return([]);
    }
    yield { event: "progress", phase: "evaluating", done: from + some.length, total: order.length };
  }
  return answers;
}

/**
 * Share of the problems that at least one of `k` answers at temperature 1 solves, by the strict rule; null without
 * problems. Throws the signal's reason when aborted.
 */
export async function* measurePass(
  model: LoadedModel,
  adapter: Adapter | null,
  problems: readonly Problem[],
  options: { k: number; maxTokens: number; seed: number; turns: Turns; signal: AbortSignal; logic: Logic | null },
): AsyncGenerator<RunEvent, number | null> {
  const { k, maxTokens, seed, turns, signal, logic } = options;
  if (problems.length === 0) return null;
  const longest = problems.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const atOnce = promptsAtOnce(model.config, longest + maxTokens, k);
  let solved = 0;
  for (let from = 0; from < problems.length; from += atOnce) {
    const some = problems.slice(from, from + atOnce);
    const steps = generate(model.llama, adapter, {
      prompts: some.map(({ ids }) => ids),
      copies: k,
      maxTokens,
      sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: seedFor(seed, "pass", from) },
      stopIds: model.stopIds,
      ...(logic ? { marks: { prompts: some.map(({ marks }) => marks ?? new Uint8Array(0)), table: logic.table } } : {}),
      signal,
    });
    try {
      let next = await turns(() => steps.next());
      for (; !next.done; next = await turns(() => steps.next())) await nextTick();
      const answers = next.value;
      solved += some.filter(({ reference }, i) =>
        answers
          .slice(i * k, (i + 1) * k)
          .some((tokens) => scoreGsm8k(model.tokenizer.decode(tokens), reference).strict),
      ).length;
    } finally {
      await steps.return([]);
    }
    yield { event: "progress", phase: "evaluating", done: from + some.length, total: problems.length };
  }
  return solved / problems.length;
}

function newAnswer(problem: Problem, text: string, until: string | undefined): Answer {
  const end = until === undefined ? -1 : text.indexOf(until);
  const completion = end < 0 ? text : text.slice(0, end);
  const { strict, flexible } = scoreGsm8k(completion, problem.reference);
  return { problem, completion, strict, flexible, exact: exactMatch(completion, problem.reference) };
}

/** The shares that the data allows; the others null. */
export function accuracyOf(answers: readonly Answer[], scoring: Scoring): Accuracy {
  const n = answers.length;
  const share = (test: (answer: Answer) => boolean) => answers.filter(test).length / n;
  const valid = answers.flatMap(({ completion }) => validShare(completion) ?? []);
  const isScored = scoring === "gsm8k" && n > 0;
  const strict = isScored ? share((answer) => answer.strict) : null;
  return {
    "gsm8k/strict": strict,
    "gsm8k/flexible": isScored ? share((answer) => answer.flexible) : null,
    "gsm8k/stderr": strict === null ? null : standardError(strict, n),
    exact_match: scoring === "exact-match" && n > 0 ? share((answer) => answer.exact) : null,
    "steps/valid": valid.length > 0 ? valid.reduce((sum, x) => sum + x, 0) / valid.length : null,
    n,
    ...(scoring !== "none" && n > 0 ? { outcomes: answers.map((answer) => outcomeOf(answer, scoring)).join("") } : {}),
  };
}

function outcomeOf({ strict, flexible, exact }: Answer, scoring: Scoring): number {
  if (scoring === "exact-match") return exact ? 3 : 0;
  return (strict ? 2 : 0) + (flexible ? 1 : 0);
}

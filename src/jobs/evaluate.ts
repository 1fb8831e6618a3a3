/** @file A model's score on problems it was not trained on: accuracy asked plainly or after worked examples, and loss. */

import type { Example } from "../core/dataset";
import type { EvalMetrics, RunEvent } from "../core/metrics";
import { seedFor, shuffled } from "../core/random";
import type { Recipe } from "../core/recipe";
import type { Turns } from "../core/turns";
import type { Adapter } from "../model/adapterParts";
import { fewShotPrompt } from "../scoring/shots";
import { type LoadedModel, stoppingAt } from "./loadModel";
import { type Logic, newLogic } from "./logic";
import { type Answer, accuracyOf, measureAnswers } from "./measureAnswers";
import { measureLoss } from "./measureLoss";
import { newMarkedDocument, newProblem, type Problem, scoringOf } from "./prepareData";

export type EvaluateInputs = {
  model: LoadedModel;
  adapter: Adapter | null;
  /** What is asked, with the answers looked for. */
  examples: Example[];
  recipe: Pick<Recipe, "template" | "seed">;
  maxTokens: number;
  /** Worked examples before each question, drawn by seed from `pool`; 0 asks plainly. */
  shots: number;
  pool: Example[];
  turns: Turns;
  signal: AbortSignal;
};

export type Evaluation = {
  metrics: Omit<EvalMetrics, "step" | "seconds">;
  answers: Answer[];
  /** Problems too long for the model: counted as wrong by none of the shares, as they were not asked. */
  tooLong: number;
};

/** Throws the signal's reason when aborted. */
export async function* evaluate(inputs: EvaluateInputs): AsyncGenerator<RunEvent, Evaluation> {
  const { adapter, examples, recipe, maxTokens, shots, turns, signal } = inputs;
  const model = stoppingAt(inputs.model, recipe.template);
  const logic = await newLogic({ template: recipe.template, adaptation: adapter?.adaptation ?? [] }, model.tokenizer);
  const problems = examples.map((example, i) =>
    shots > 0 ? newShotProblem(inputs, example, i, logic) : newProblem(example, i, recipe, model.tokenizer, logic),
  );
  const fitting = problems.filter(({ ids }) => ids.length < model.config.maxPositions);
  const documents = examples.map((example) =>
    newMarkedDocument(example, { template: recipe.template }, model.tokenizer, model.config.maxPositions, logic),
  );
  const loss = shots > 0 ? null : yield* measureLoss(model, adapter, documents, { turns, signal });
  const until = shots > 0 ? { until: "\n\n" } : {};
  const answers = yield* measureAnswers(model, adapter, fitting, { maxTokens, turns, signal, logic, ...until });
  const accuracy = accuracyOf(answers, scoringOf(examples));
  return { metrics: { "eval/loss": loss, ...accuracy }, answers, tooLong: problems.length - fitting.length };
}

/** Every question gets examples of its own, so that no unlucky choice decides the score. */
function newShotProblem(
  { model, recipe, shots, pool }: EvaluateInputs,
  example: Example,
  index: number,
  logic: Logic | null,
): Problem {
  const order = shuffled(pool.length, seedFor(recipe.seed, "shots", index));
  const others = Array.from(order)
    .flatMap((i) => pool[i] ?? [])
    .filter(({ prompt }) => prompt !== example.prompt);
  const prompt = fewShotPrompt(others.slice(0, shots), recipe.template, example.prompt);
  const ids = [...model.tokenizer.prefix, ...model.tokenizer.encode(prompt)];
  const marks = logic ? { marks: logic.ofText(ids, prompt) } : {};
  return { index, prompt, ids, reference: example.completion, ...marks };
}

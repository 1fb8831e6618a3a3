/** @file How far a run is and how long it will take, from what it has measured so far. Pure. */

import { stepsInAll } from "../core/recipe";
import type { Run } from "../core/run";
import type { RunSeries } from "./series";

export type RunProgress = {
  step: number;
  steps: number;
  /** Seconds to the end, evaluations included; null before there is a pace to judge by. */
  secondsLeft: number | null;
  /** Next step that is evaluated, and the seconds until then; null after the last. */
  nextEvaluation: { step: number; seconds: number | null } | null;
  /** Of the latest steps; null before the first. */
  tokensPerSecond: number | null;
  learningRate: number | null;
};

/** How many of the latest steps the pace is judged by. */
const recent = 20;

export function runProgress(run: Run, series: RunSeries): RunProgress {
  const { columns, evals } = series;
  const steps = stepsInAll(run.recipe);
  const step = columns.step.at(-1) ?? run.step;
  // what the rewards set out from is measured too
  const between = run.recipe.sftFirst?.steps ?? 0;
  const paces = {
    first: pace(columns, 0, between),
    own: pace(columns, between, steps) ?? run.stepSeconds ?? null,
  };
  const secondsTo = (end: number) => {
    const first = Math.max(0, Math.min(end, between) - step);
    const own = end - step - first;
    if ((first > 0 && paces.first === null) || (own > 0 && paces.own === null)) return null;
    return first * (paces.first ?? 0) + own * (paces.own ?? 0);
  };
  const every = run.recipe.evaluation.every;
  const isBetween = step < between && between % every !== 0;
  const upcoming = Math.min(steps, (Math.floor(step / every) + 1) * every, isBetween ? between : Infinity);
  const evaluations = Math.ceil(steps / every) - Math.floor(step / every) + (isBetween ? 1 : 0);
  const evaluating = median(evals.map(({ seconds }) => seconds)) ?? 0;
  const training = columns.step.length > 0 ? secondsTo(steps) : null;
  return {
    step,
    steps,
    secondsLeft: training === null ? null : training + (step < steps ? evaluations * evaluating : 0),
    nextEvaluation:
      step < steps ? { step: upcoming, seconds: columns.step.length > 0 ? secondsTo(upcoming) : null } : null,
    tokensPerSecond: median([...columns.tokens_per_second.slice(-recent)]),
    learningRate: columns["train/learning_rate"].at(-1) ?? null,
  };
}

/** Seconds a step, over the latest of the steps after `from` and up to `to`; null where none was made. */
function pace({ step, seconds }: RunSeries["columns"], from: number, to: number): number | null {
  let end = step.length - 1;
  while (end >= 0 && (step[end] ?? 0) > to) end--;
  let begin = end;
  // The step before is where its first one's time began.
  while (begin > 0 && end - begin < recent && (step[begin] ?? 0) > from) begin--;
  const [x0, y0, x1, y1] = [step[begin], seconds[begin], step[end], seconds[end]];
  if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined || x1 <= from) return null;
  return x1 > x0 ? (y1 - y0) / (x1 - x0) : y1 / x1;
}

export function median(values: readonly number[]): number | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

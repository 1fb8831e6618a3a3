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
  const secondsPerStep = pace(columns.step, columns.seconds);
  const every = run.recipe.evaluation.every;
  // what the rewards set out from is measured too
  const between = run.recipe.sftFirst?.steps ?? 0;
  const isBetween = step < between && between % every !== 0;
  const upcoming = Math.min(steps, (Math.floor(step / every) + 1) * every, isBetween ? between : Infinity);
  const evaluations = Math.ceil(steps / every) - Math.floor(step / every) + (isBetween ? 1 : 0);
  const evaluating = median(evals.map(({ seconds }) => seconds)) ?? 0;
  const left = steps - step;
  return {
    step,
    steps,
    secondsLeft: secondsPerStep === null ? null : left * secondsPerStep + (left > 0 ? evaluations * evaluating : 0),
    nextEvaluation:
      step < steps
        ? { step: upcoming, seconds: secondsPerStep === null ? null : (upcoming - step) * secondsPerStep }
        : null,
    tokensPerSecond: median([...columns.tokens_per_second.slice(-recent)]),
    learningRate: columns["train/learning_rate"].at(-1) ?? null,
  };
}

/** Seconds a step, over the latest steps. */
function pace(step: Float64Array, seconds: Float64Array): number | null {
  const from = Math.max(0, step.length - 1 - recent);
  const [x0, y0, x1, y1] = [step[from], seconds[from], step.at(-1), seconds.at(-1)];
  if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined) return null;
  if (x1 > x0) return (y1 - y0) / (x1 - x0);
  return x1 > 0 ? y1 / x1 : null;
}

export function median(values: readonly number[]): number | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

/** @file Progress and summaries agree with what is known of them. */

import { expect, test } from "vitest";
import { newMethod } from "../core/adaptation";
import { linearNames } from "../core/adapter";
import type { EvalMetrics, StepMetrics } from "../core/metrics";
import { newObjective } from "../core/objective";
import { newRecipe } from "../core/recipe";
import { newRun } from "../core/run";
import { listDifferences } from "./runsDifferences";
import { asFound, canResume, followRun, newRunName } from "./runsMirror";
import { median, runProgress } from "./runsProgress";
import { compareShares, standardError, wilson } from "./runsSummary";
import { applyEvent, emptySeries, type RunSeries } from "./series";

const record = newRun(newRecipe({ schedule: { kind: "cosine", steps: 100, warmupSteps: 0 } }), "a-1");

const evaluation = (step: number, seconds: number): EvalMetrics => ({
  step,
  "eval/loss": 1,
  "gsm8k/strict": 0.5,
  "gsm8k/flexible": 0.5,
  "gsm8k/stderr": 0.05,
  exact_match: null,
  "steps/valid": null,
  n: 100,
  seconds,
});

function at(steps: number, secondsPerStep: (step: number) => number): RunSeries {
  let series = applyEvent(emptySeries("ready"), { event: "eval", metrics: evaluation(0, 10) });
  let seconds = 0;
  for (let step = 1; step <= steps; step++) {
    seconds += secondsPerStep(step);
    const metrics: StepMetrics = {
      step,
      "train/loss": 1,
      "train/grad_norm": 1,
      "train/learning_rate": 1e-3,
      "train/epoch": 0,
      tokens: 100,
      tokens_per_second: 100 / secondsPerStep(step),
      seconds,
    };
    series = applyEvent(series, { event: "step", metrics });
  }
  return series;
}

test("time left is the latest pace over the steps left, with the evaluations to come", () => {
  // evaluations at 50 and 100 are to come, 10 s each
  const progress = runProgress(
    record,
    at(40, (step) => (step <= 10 ? 60 : 0.5)),
  );
  expect(progress.secondsLeft).toBeCloseTo(60 * 0.5 + 2 * 10, 6);
  expect(progress.nextEvaluation?.step).toBe(50);
  expect(progress.nextEvaluation?.seconds).toBeCloseTo(5, 6);
  expect(progress.tokensPerSecond).toBeCloseTo(200, 6);
});

test("nothing is promised before the first step, and nothing is left after the last", () => {
  expect(runProgress(record, emptySeries("ready"))).toMatchObject({ step: 0, secondsLeft: null });
  expect(
    runProgress(
      record,
      at(100, () => 1),
    ),
  ).toMatchObject({ step: 100, secondsLeft: 0, nextEvaluation: null });
});

const staged = {
  ...record,
  recipe: {
    ...record.recipe,
    objective: newObjective("grpo"),
    sftFirst: { rows: 10, steps: 60, learningRate: 1e-3 },
  },
};

test("steps of imitation count, and what comes of them is evaluated", () => {
  const series = at(55, () => 1);
  const progress = runProgress(staged, series);
  expect(progress.steps).toBe(160);
  expect(progress.nextEvaluation).toEqual({ step: 60, seconds: 5 });
  expect(
    runProgress(
      { ...staged, step: 60 },
      at(60, () => 1),
    ).nextEvaluation?.step,
  ).toBe(100);
  expect(canResume({ ...staged, status: "stopped", step: 100 })).toBe(true);
  expect(canResume({ ...staged, status: "stopped", step: 160 })).toBe(false);
});

test("each stage has its own pace: the first one's says nothing of the second, whose plan speaks until it has steps", () => {
  const left = (steps: number, run = staged) =>
    runProgress(
      run,
      at(steps, (step) => (step <= 60 ? 1 : 30)),
    ).secondsLeft;
  expect(left(55)).toBeNull();
  // evaluations at 60, 100, 150 and 160, 10 s each
  expect(left(55, { ...staged, stepSeconds: 20 })).toBeCloseTo(5 + 100 * 20 + 4 * 10, 6);
  expect(left(60, { ...staged, stepSeconds: 20 })).toBeCloseTo(100 * 20 + 3 * 10, 6);
  // One step is enough, and it is not mixed with those before.
  expect(left(61, { ...staged, stepSeconds: 20 })).toBeCloseTo(99 * 30 + 3 * 10, 6);
  expect(left(90)).toBeCloseTo(70 * 30 + 3 * 10, 6);
  expect(left(160)).toBe(0);
  const { nextEvaluation } = runProgress(
    staged,
    at(62, (step) => (step <= 60 ? 1 : 30)),
  );
  expect(nextEvaluation).toEqual({ step: 100, seconds: 38 * 30 });
});

test("median", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1])).toBe(2.5);
  expect(median([])).toBeNull();
});

test("intervals agree with published examples", () => {
  // Newcombe 1998 (two papers), Table: 81 of 263; and differences 56/70 − 48/80, 9/10 − 3/10, 10/10 − 0/20.
  const single = wilson(81 / 263, 263);
  expect(single.low).toBeCloseTo(0.2553, 4);
  expect(single.high).toBeCloseTo(0.3662, 4);
  const first = compareShares(48 / 80, 80, 56 / 70, 70);
  expect(first.interval.low).toBeCloseTo(0.0524, 4);
  expect(first.interval.high).toBeCloseTo(0.3339, 4);
  const second = compareShares(3 / 10, 10, 9 / 10, 10);
  expect(second.interval.low).toBeCloseTo(0.1705, 4);
  expect(second.interval.high).toBeCloseTo(0.809, 4);
  expect(compareShares(0, 20, 1, 10).interval.low).toBeCloseTo(0.6791, 4);
  expect(first.clear).toBe(true);
  expect(compareShares(0.5, 100, 0.52, 100).clear).toBe(false);
});

test("standard error as lm-eval gives it", () => {
  expect(standardError(0.5, 101)).toBeCloseTo(0.05, 12);
  expect(standardError(1, 1)).toBe(0);
});

test("names count on from the highest taken", () => {
  expect(newRunName("quickstart", [])).toBe("quickstart-1");
  expect(newRunName("quickstart", ["quickstart-2", "quickstart-x", "other-9", "quickstart-10"])).toBe("quickstart-11");
});

test("a run said to be running that nobody holds was interrupted, and can go on", () => {
  const running = { ...record, status: "running" as const, step: 10 };
  expect(asFound(running, new Set([running.id])).status).toBe("running");
  expect(asFound(running, new Set()).status).toBe("interrupted");
  expect(canResume(asFound(running, new Set()))).toBe(true);
  expect(canResume({ ...record, status: "done", step: 100 })).toBe(false);
});

test("the mirror keeps the first evaluation and takes the last", () => {
  const zero = followRun(record, { event: "eval", metrics: evaluation(0, 1) });
  const later = followRun(zero, { event: "eval", metrics: evaluation(50, 1) });
  expect([later.before?.step, later.after?.step]).toEqual([0, 50]);
});

test("only what differs is listed, by its path in the recipe", () => {
  const [a, b] = [newRecipe(), newRecipe({ name: "other", seed: 2 })];
  b.adaptation = [newMethod("lora", { rank: 4, targetModules: ["q_proj"] })];
  expect(listDifferences([a, b])).toEqual([
    { path: "adaptation.lora.rank", values: ["16", "4"] },
    { path: "adaptation.lora.targetModules", values: [linearNames.join(", "), "q_proj"] },
    { path: "seed", values: ["1", "2"] },
  ]);
  expect(listDifferences([a, newRecipe()])).toEqual([]);
});

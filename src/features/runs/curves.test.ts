/** @file A run's series become the curves one expects, over steps and over time. */

import { expect, test } from "vitest";
import type { EvalMetrics, StepMetrics } from "../../core/metrics";
import { fromHistory, type RunSeries } from "../../state/series";
import { alertMarks, evalCurve, lossCurves, runAxis, smoothingOf, stepCurve } from "./curves";

const step = (n: number): StepMetrics => ({
  step: n,
  "train/loss": 4 / n,
  "train/grad_norm": 1,
  "train/learning_rate": 1e-3,
  "train/epoch": 0,
  tokens: 100,
  tokens_per_second: 50,
  seconds: n * 10,
});

const evaluation = (n: number, share: number | null): EvalMetrics => ({
  step: n,
  "eval/loss": null,
  "gsm8k/strict": share,
  "gsm8k/flexible": share,
  "gsm8k/stderr": null,
  exact_match: null,
  "steps/valid": null,
  n: 101,
  seconds: 1,
});

const series = (steps: number): RunSeries =>
  fromHistory({
    steps: Array.from({ length: steps }, (_, i) => step(i + 1)),
    evals: [evaluation(0, 0), evaluation(10, 0.5), evaluation(20, null)],
    samples: [],
    alerts: [{ step: 10, kind: "spike", value: 9 }],
    routings: [],
    checkpoints: [],
  });

const drawing = { id: "x", label: "x", color: "red", look: "strong" } as const;

test("while a run is active the axis leaves room and grows by doubling; at its end it fits", () => {
  expect(runAxis(series(30), "step", 400, true).end).toBe(50);
  expect(runAxis(series(30), "step", 400, false).end).toBe(30);
  const young = { ...series(1), evals: [] };
  expect(runAxis(young, "step", 30, true).end).toBe(15);
  expect(runAxis(young, "step", 4, true).end).toBe(4);
  expect(runAxis(young, "step", 400, true).end).toBe(25);
  expect(runAxis(series(60), "time", 400, true)).toMatchObject({ unit: "minutes", end: 16 });
  expect(runAxis(series(60), "time", 400, false).end).toBe(10);
  expect(runAxis(series(3), "time", 400, true)).toMatchObject({ unit: "seconds", end: 32 });
});

test("over time, evaluations and alerts stand where their step was taken", () => {
  const one = series(60);
  const axis = runAxis(one, "time", 400, true);
  const curve = evalCurve(one, axis, "gsm8k/strict", drawing, true);
  expect(curve.steps).toEqual([0, 10]);
  expect(curve.x).toEqual([0, 100 / 60]);
  expect(curve.error?.[1]).toBeCloseTo(0.05, 12);
  expect(alertMarks(one, axis)).toEqual([{ x: 100 / 60, tone: "warn" }]);
  expect(stepCurve(one.columns, axis, "train/loss", drawing).x[59]).toBeCloseTo(10, 12);
});

test("the smoothed loss lies on the same steps as the measured one", () => {
  const one = series(5);
  const [raw, smoothed] = lossCurves(one.columns, runAxis(one, "step", 5, false), 0.9, drawing, {
    ...drawing,
    id: "y",
  });
  expect(Array.from(raw?.steps ?? [])).toEqual([1, 2, 3, 4, 5]);
  expect(smoothed?.steps).toBe(raw?.steps);
  expect(smoothed?.y[0]).toBeCloseTo(4, 12);
  expect(smoothed?.y[4]).toBeGreaterThan(raw?.y[4] ?? Infinity);
});

test("short runs are smoothed over fewer steps", () => {
  expect(smoothingOf(30)).toBe(0.5);
  expect(smoothingOf(400)).toBeCloseTo(0.9, 12);
  expect(smoothingOf(100_000)).toBeCloseTo(0.96, 12);
});

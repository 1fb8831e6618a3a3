/** @file Series follow events and storage, and are handed out twice a second. */

import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { newId } from "../core/ids";
import type { EvalMetrics, RunEvent, Sample, StepMetrics } from "../core/metrics";
import { newRecipe } from "../core/recipe";
import { newRun } from "../core/run";
import { newBrowserRunStore } from "../storage/browserRunStore";
import { applyEvent, emptySeries, getSeries, recordEvent, reloadSeries, subscribeSeries } from "./series";
import { latestFigure, secondsAt } from "./seriesColumns";

const step = (n: number, loss = 1 / n): RunEvent & { event: "step" } => ({
  event: "step",
  metrics: {
    step: n,
    "train/loss": loss,
    "train/grad_norm": 1,
    "train/learning_rate": 1e-3,
    "train/epoch": n / 100,
    tokens: 1000,
    tokens_per_second: 500,
    seconds: n * 2,
  } satisfies StepMetrics,
});

const evaluation = (n: number, strict: number): RunEvent => ({
  event: "eval",
  metrics: {
    step: n,
    "eval/loss": 1,
    "gsm8k/strict": strict,
    "gsm8k/flexible": strict,
    "gsm8k/stderr": 0.05,
    exact_match: null,
    "steps/valid": null,
    n: 100,
    seconds: 3,
  } satisfies EvalMetrics,
});

const samples = (n: number): RunEvent => ({
  event: "samples",
  samples: [{ step: n, index: 0, prompt: "q", reference: "a", completion: `at ${n}`, correct: false } satisfies Sample],
});

const run = (events: RunEvent[]) => events.reduce(applyEvent, emptySeries("ready"));

test("a thousand steps come in order, and an earlier snapshot never changes", () => {
  const first = run([step(1), step(2), step(3)]);
  const later = Array.from({ length: 1000 }, (_, i) => step(i + 4)).reduce(applyEvent, first);
  expect([...first.columns.step]).toEqual([1, 2, 3]);
  expect(later.columns.step).toHaveLength(1003);
  expect(later.columns.step.every((n, i) => n === i + 1)).toBe(true);
  expect(later.columns["train/loss"].every((loss, i) => loss === 1 / (i + 1))).toBe(true);
});

test("going back to a checkpoint measures anew from there, and what was seen before stays seen", () => {
  const cut = run([evaluation(0, 0), samples(0), step(1), step(2), evaluation(2, 0.1), samples(2), step(3), step(4)]);
  const resumed = [step(2, 9), evaluation(2, 0.2), samples(2), step(3, 8)].reduce(applyEvent, cut);
  expect([...resumed.columns.step]).toEqual([1, 2, 3]);
  expect([...resumed.columns["train/loss"]]).toEqual([1, 9, 8]);
  expect(resumed.evals.map((e) => [e.step, e["gsm8k/strict"]])).toEqual([
    [0, 0],
    [2, 0.2],
  ]);
  expect(resumed.samples.map((s) => s.step)).toEqual([0, 2]);
  expect([...cut.columns["train/loss"]]).toEqual([1, 1 / 2, 1 / 3, 1 / 4]);
});

test("figures that begin late are not a number before, and go with the steps", () => {
  const withFigures = (n: number, figures: object) => ({ ...step(n), metrics: { ...step(n).metrics, ...figures } });
  const first = run([step(1), step(2), withFigures(3, { reward: 0.5 })]);
  const later = [withFigures(4, { reward: 0.6, "rewards/answer/mean": 1 }), step(5)].reduce(applyEvent, first);
  expect([...(first.columns.figures.reward ?? [])]).toEqual([Number.NaN, Number.NaN, 0.5]);
  expect(Object.keys(first.columns.figures)).toEqual(["reward"]);
  expect([...(later.columns.figures.reward ?? [])]).toEqual([Number.NaN, Number.NaN, 0.5, 0.6, Number.NaN]);
  expect([...(later.columns.figures["rewards/answer/mean"] ?? [])].slice(2)).toEqual([Number.NaN, 1, Number.NaN]);
  const many = Array.from({ length: 200 }, (_, i) => withFigures(i + 6, { reward: i })).reduce(applyEvent, later);
  expect(many.columns.figures.reward).toHaveLength(205);
  expect(many.columns.figures.reward?.[204]).toBe(199);
  expect(many.columns.figures["rewards/answer/mean"]?.[204]).toBeNaN();
  const back = applyEvent(many, withFigures(4, { reward: 9 }));
  expect([...(back.columns.figures.reward ?? [])]).toEqual([Number.NaN, Number.NaN, 0.5, 9]);
  expect(latestFigure(back.columns, "reward")).toBe(9);
  expect(latestFigure(later.columns, "reward")).toBeNull();
  expect(latestFigure(later.columns, "kl")).toBeNull();
});

test("a step that is not a number is kept as such", () => {
  expect(run([step(1, Number.NaN)]).columns["train/loss"][0]).toBeNaN();
});

test("seconds at a step lie on the line between the steps around it", () => {
  const { columns } = run([step(1), step(2), step(10)]);
  expect(secondsAt(columns, 0)).toBe(0);
  expect(secondsAt(columns, 2)).toBe(4);
  expect(secondsAt(columns, 6)).toBe(12);
  expect(secondsAt(columns, 50)).toBe(20);
});

/** The next time the run's series is handed out. */
const handedOut = (id: ReturnType<typeof newId<"run">>) =>
  new Promise<void>((resolve) => {
    const leave = subscribeSeries(id, () => {
      leave();
      resolve();
    });
  });

test("history and the events that came while it was read join without a gap or a double", async () => {
  const record = newRun(newRecipe(), "test");
  const store = newBrowserRunStore();
  await store.save(record, [evaluation(0, 0), step(1), step(2), step(3)]);
  const first = handedOut(record.id);
  expect(getSeries(record.id).status).toBe("loading");
  for (const event of [step(2), step(3), step(4)]) recordEvent(record.id, event);
  await first;
  expect([...getSeries(record.id).columns.step]).toEqual([1, 2, 3, 4]);
  expect(getSeries(record.id).evals).toHaveLength(1);

  await store.save(record, [step(4), step(5)]);
  const again = handedOut(record.id);
  reloadSeries(record.id);
  await again;
  expect([...getSeries(record.id).columns.step]).toEqual([1, 2, 3, 4, 5]);
});

test("a hundred events are handed out once", async () => {
  const id = newId("run");
  await handedOut(id);
  let times = 0;
  const leave = subscribeSeries(id, () => times++);
  for (let n = 1; n <= 100; n++) recordEvent(id, step(n));
  expect(getSeries(id).columns.step).toHaveLength(0);
  await handedOut(id);
  leave();
  expect(times).toBe(1);
  expect(getSeries(id).columns.step).toHaveLength(100);
});

test("where a run stands is handed out at once, with every step before it", async () => {
  const id = newId("run");
  await handedOut(id);
  for (let n = 1; n <= 3; n++) recordEvent(id, step(n));
  recordEvent(id, { event: "status", status: "paused" });
  expect([...getSeries(id).columns.step]).toEqual([1, 2, 3]);
});

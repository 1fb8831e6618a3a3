/** @file Alerts: told once, not told of ordinary noise, and the same after a resume. */

import { expect, test } from "vitest";
import type { Alert, EvalMetrics, StepMetrics } from "../core/metrics";
import { newRandom } from "../core/random";
import { type AlertMemory, newAlertMemory, newAlertWatch } from "./alerts";

const newStep = (step: number, loss: number, norm = 1): StepMetrics => ({
  step,
  "train/loss": loss,
  "train/grad_norm": norm,
  "train/learning_rate": 1e-3,
  "train/epoch": 0,
  tokens: 1,
  tokens_per_second: 1,
  seconds: step,
});

const newEvaluation = (step: number, loss: number | null): EvalMetrics => ({
  step,
  "eval/loss": loss,
  "gsm8k/strict": null,
  "gsm8k/flexible": null,
  "gsm8k/stderr": null,
  exact_match: null,
  "steps/valid": null,
  n: 0,
  seconds: step,
});

/** A falling, noisy loss, as a run has it. */
function newHistory(steps: number): StepMetrics[] {
  const random = newRandom(5);
  return Array.from({ length: steps }, (_, i) => newStep(i + 1, 3 * Math.exp(-i / 100) + 0.3 + 0.1 * random.normal()));
}

test("an ordinary run raises no alert", () => {
  const watch = newAlertWatch();
  expect(newHistory(2000).flatMap(watch)).toEqual([]);
});

test("a spike is told once while it lasts, and again when it comes again", () => {
  const watch = newAlertWatch();
  newHistory(100).forEach(watch);
  const alerts = [9, 9, 0.4, 0.4].flatMap((loss, i) => watch(newStep(101 + i, loss)));
  expect(alerts).toEqual([{ step: 101, kind: "spike", value: 9 }]);
  for (let step = 105; step < 200; step++) watch(newStep(step, 0.4));
  expect(watch(newStep(200, 30)).map(({ kind }) => kind)).toEqual(["spike"]);
});

test("no spike before there is a past to measure it against, and none on a flat line's last digit", () => {
  const watch = newAlertWatch();
  expect([1, 1, 50, 1].flatMap((loss, i) => watch(newStep(i, loss)))).toEqual([]);
  const flat = newAlertWatch();
  for (let step = 0; step < 60; step++) flat(newStep(step, 1));
  expect(flat(newStep(60, 1.05))).toEqual([]);
});

test("no spike where the loss is next to nothing, however far it stands out", () => {
  const watch = newAlertWatch();
  for (let step = 0; step < 60; step++) watch(newStep(step, 0.02));
  expect(watch(newStep(60, 0.15))).toEqual([]);
  expect(watch(newStep(61, 0.5))).toHaveLength(1);
});

test.each([
  [Number.NaN, 1],
  [Number.POSITIVE_INFINITY, 1],
  [1, Number.NaN],
])("loss %d with gradient norm %d is told once", (loss, norm) => {
  const watch = newAlertWatch();
  const alerts = [1, 2, 3].flatMap((step) => watch(newStep(step, loss, norm)));
  expect(alerts.map(({ step, kind }) => [step, kind])).toEqual([[1, "nan"]]);
});

test("a plateau is told once, at the fifth evaluation without a fall", () => {
  const watch = newAlertWatch();
  const losses = [3, 2, 1, 1, 1.0, 0.9999, 1.2, 1, 1, 1, 0.5, 0.6];
  const alerts = losses.flatMap((loss, i) => watch(newEvaluation(i, loss)));
  expect(alerts).toEqual([{ step: 7, kind: "plateau", value: 1 }]);
  expect(watch(newEvaluation(20, null))).toEqual([]);
});

test("a watch told a stored history goes on as if never interrupted", () => {
  const history = [...newHistory(80), newStep(81, 20), newStep(82, 21), newStep(83, 0.5), newStep(84, 22)];
  const whole = newAlertWatch();
  const alerts: Alert[][] = history.map(whole);
  for (const cut of [10, 80, 81, 82, 83]) {
    const resumed = newAlertWatch();
    history.slice(0, cut).forEach(resumed);
    expect(history.slice(cut).map(resumed)).toEqual(alerts.slice(cut));
  }
});

const kinds = (alerts: Alert[]) => alerts.map(({ step, kind }) => [step, kind]);
const drifting = (step: number, kl: number): StepMetrics => ({ ...newStep(step, 0.1), kl, reward: 0.5 });

test("a drift is told once when the median of five steps passes half a nat, and again after it came back", () => {
  const watch = newAlertWatch();
  const kls = [0.1, 40, 0.2, 0.3, 0.3, 0.3, 0.6, 0.6, 0.6, 0.45, 0.45, 0.45, 0.6, 0.6, 0.6];
  const alerts = kls.flatMap((kl, i) => watch(drifting(i + 1, kl)));
  expect(alerts).toEqual([{ step: 9, kind: "kl", value: 0.6 }]);
  const back = [0.1, 0.1, 0.1, 0.7, 0.7, 0.7].flatMap((kl, i) => watch(drifting(16 + i, kl)));
  expect(kinds(back)).toEqual([[21, "kl"]]);
  expect([1, 2, 3, 4, 5, 6].flatMap((step) => newAlertWatch()(drifting(step, 9)))).toEqual([]);
  const kto = newAlertWatch();
  expect([1, 2, 3, 4, 5, 6].flatMap((step) => kto({ ...newStep(step, 0.1), kl: 9 }))).toEqual([]);
  const nothing = newAlertWatch();
  expect([1, 2, 3, 4, 5, 6].flatMap((step) => nothing(drifting(step, Number.NaN)))).toEqual([]);
});

type Rewarded = { reward: (step: number) => number; shares: number[]; n?: number };

/** An evaluation before the first step and after every 20. */
function told({ reward, shares, n = 200 }: Rewarded): Alert[] {
  const watch = newAlertWatch();
  const alerts: Alert[] = [];
  shares.forEach((share, i) => {
    for (let step = 20 * i - 19; step <= 20 * i; step++) {
      if (step > 0) alerts.push(...watch({ ...newStep(step, 0.1), reward: reward(step) }));
    }
    alerts.push(...watch({ ...newEvaluation(20 * i, 1), "gsm8k/strict": share, n }));
  });
  return alerts;
}

const noisy = (slope: number) => (step: number) => 0.5 + slope * step + 0.05 * Math.sin(17 * step);

test("a reward that rises while accuracy falls is told once, until accuracy is back", () => {
  const alerts = told({ reward: noisy(0.005), shares: [0.6, 0.62, 0.4, 0.3, 0.6, 0.6, 0.3] });
  expect(kinds(alerts)).toEqual([
    [40, "gaming"],
    [120, "gaming"],
  ]);
  expect(alerts[0]?.value).toBeCloseTo(0.22, 12);
});

test.each([
  ["both rise", { reward: noisy(0.005), shares: [0.4, 0.5, 0.6, 0.7] }],
  ["the reward stands still", { reward: noisy(0), shares: [0.6, 0.6, 0.4, 0.3] }],
  ["accuracy falls by less than its error", { reward: noisy(0.005), shares: [0.6, 0.6, 0.55, 0.56], n: 100 }],
  ["too few steps were taken", { reward: noisy(0.005), shares: [0.6, 0.3] }],
  ["nothing is asked", { reward: noisy(0.005), shares: [0.6, 0.6, 0, 0], n: 0 }],
])("no gaming where %s", (_, run) => {
  expect(told(run)).toEqual([]);
});

/** Length alone, on the embedded model from its 150th step: what was measured. All answers are as long as may be after 12. */
const lengthOnly = [0.671, 0.695, 0.697, 0.684, 0.841, 0.847, 0.933, 0.989, 0.923, 0.989, 0.976, 0.998];

test.each([
  [25, 25],
  [50, 50],
])("a reward that is gamed at once is told at the first evaluation after it, every %d steps", (every, at) => {
  const watch = newAlertWatch();
  const alerts: Alert[] = [];
  const evaluate = (step: number, share: number) =>
    alerts.push(...watch({ ...newEvaluation(step, null), "gsm8k/strict": share, n: 100 }));
  evaluate(0, 0.69);
  for (let step = 1; step <= 60; step++) {
    alerts.push(...watch({ ...newStep(step, 0), reward: lengthOnly[step - 1] ?? 1 }));
    if (step % every === 0) evaluate(step, 0);
  }
  expect(kinds(alerts)).toEqual([[at, "gaming"]]);
});

test("a watch that goes on from what was kept tells what it would have told", () => {
  const history: (StepMetrics | EvalMetrics)[] = [];
  for (let step = 1; step <= 200; step++) {
    const kl = step < 60 ? 0.1 : step < 80 ? 0.6 : 0.45;
    const reward = step < 100 ? noisy(0.01)(step) : noisy(0)(step) + 1;
    history.push({ ...newStep(step, step === 150 ? 9 : 0.3), kl, reward });
    if (step % 20 === 0) history.push({ ...newEvaluation(step, 1), "gsm8k/strict": step < 50 ? 0.6 : 0.3, n: 200 });
  }
  const memory = newAlertMemory();
  const whole = newAlertWatch(memory);
  const kept: string[] = [];
  const alerts = history.map((metrics) => {
    kept.push(JSON.stringify(memory));
    return whole(metrics);
  });
  expect(kinds(alerts.flat())).toEqual([
    [60, "gaming"],
    [62, "kl"],
    [150, "spike"],
  ]);
  for (const [cut, text] of kept.entries()) {
    const rest = newAlertWatch(JSON.parse(text) as AlertMemory);
    expect(history.slice(cut).map(rest)).toEqual(alerts.slice(cut));
  }
});

test("that the rows' answers become no likelier is no plateau where rewards are learnt from", () => {
  const watch = newAlertWatch();
  watch({ ...newStep(1, 0.1), reward: 0.5 });
  expect([1, 2, 3, 4, 5, 6, 7].flatMap((step) => watch(newEvaluation(step, 1)))).toEqual([]);
  const preferring = newAlertWatch();
  preferring({ ...newStep(1, 0.1), "rewards/accuracies": 0.5 });
  const alerts = [1, 2, 3, 4, 5, 6, 7].flatMap((step) => preferring(newEvaluation(step, 1)));
  expect(kinds(alerts)).toEqual([[6, "plateau"]]);
});

/** @file KTO's loss at its edges. */

import { expect, test } from "vitest";
import {
  addKtoFigures,
  type KtoBatch,
  type KtoSettings,
  ktoLoss,
  ktoMetrics,
  mismatchedDivergence,
  noKtoFigures,
} from "./kto";

const settings: KtoSettings = { loss: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 };
const batch: KtoBatch = {
  logProbabilities: [-5, -9, -4],
  reference: [-6, -8, -4],
  isDesirable: [true, false, true],
  divergence: 0.5,
};
const diverged = expect.objectContaining({ code: "run.diverged" }) as Error;
const bug = expect.objectContaining({ code: "bug" }) as Error;

test("the divergence of mismatched answers is never negative, and 0 of none", () => {
  expect(mismatchedDivergence([-1, -2], [-4, -5])).toBe(3);
  expect(mismatchedDivergence([-4, -5], [-1, -2])).toBe(0);
  expect(mismatchedDivergence([], [])).toBe(0);
  expect(() => mismatchedDivergence([Number.NaN], [1])).toThrow(diverged);
  expect(() => mismatchedDivergence([1], [])).toThrow(bug);
});

test("the gradient is the loss's slope, with weights of their own", () => {
  const weighted = { ...settings, desirableWeight: 2, undesirableWeight: 0.5 };
  const { gradient } = ktoLoss(batch, weighted, { answers: 3 });
  for (const [s, slope] of gradient.entries()) {
    const at = (step: number) => {
      const logProbabilities = Array.from(batch.logProbabilities, (value, i) => (i === s ? value + step : value));
      return ktoLoss({ ...batch, logProbabilities }, weighted, { answers: 3 }).loss;
    };
    expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(slope, 8);
  }
  expect(Array.from(gradient, Math.sign)).toEqual([-1, 1, -1]);
  expect(ktoLoss(batch, { ...weighted, undesirableWeight: 0 }, { answers: 3 }).gradient[1]).toBeCloseTo(0, 12);
});

test("answers of one kind alone have figures of that kind alone", () => {
  const good = { logProbabilities: [-5], reference: [-6], isDesirable: [true], divergence: 0 };
  const bad = { ...good, isDesirable: [false] };
  const [a, b] = [good, bad].map((each) => ktoLoss(each, settings, { answers: 2 }).figures);
  expect(ktoMetrics(a!)).toEqual({ "rewards/chosen": 0.1, "logps/chosen": -5 });
  expect(ktoMetrics(b!)).toEqual({ "rewards/rejected": 0.1, "logps/rejected": -5 });
  expect(ktoMetrics(addKtoFigures(a!, b!))).toMatchObject({ "rewards/margins": 0, "rewards/chosen": 0.1 });
  expect(ktoMetrics(noKtoFigures)).toEqual({});
  expect(noKtoFigures.desirable.answers).toBe(0);
});

test("is finite however far the answers are, nothing of nothing, and says what is wrong", () => {
  const far = { logProbabilities: [1e6, -1e6], reference: [0, 0], isDesirable: [true, true], divergence: 0 };
  expect(ktoLoss(far, settings, { answers: 2 })).toMatchObject({ loss: 0.5, gradient: new Float32Array([-0, -0]) });
  const none = { logProbabilities: [], reference: [], isDesirable: [], divergence: 0 };
  expect(ktoLoss(none, settings, { answers: 0 }).loss).toBe(0);
  expect(() => ktoLoss({ ...batch, divergence: Number.NaN }, settings, { answers: 3 })).toThrow(diverged);
  expect(() => ktoLoss({ ...batch, reference: [1, 2, Number.NaN] }, settings, { answers: 3 })).toThrow(
    "Sequence 3: reference is NaN",
  );
  expect(() => ktoLoss({ ...batch, isDesirable: [true] }, settings, { answers: 3 })).toThrow(bug);
});

/** @file GRPO's losses at their edges. */

import { describe, expect, test } from "vitest";
import { newRandom } from "../core/random";
import {
  addPolicyFigures,
  noPolicyFigures,
  type PolicyBatch,
  type PolicyLossKind,
  policyLoss,
  policyMetrics,
} from "./policy";
import { spread } from "./sequences";

const kinds: PolicyLossKind[] = ["grpo", "bnpo", "dr_grpo", "dapo"];
const settings = { loss: "dapo" as PolicyLossKind, clipLow: 0.2, clipHigh: 0.3, beta: 0.04 };

function randomBatch(lengths: number[], seed = 1) {
  const random = newRandom(seed);
  const bounds = lengths.reduce<number[]>((all, length) => [...all, (all.at(-1) ?? 0) + length], [0]);
  const M = bounds.at(-1) ?? 0;
  const numbers = (scale: number, shift = 0) => Float32Array.from({ length: M }, () => shift + scale * random.normal());
  const logProbabilities = numbers(0.5, -2);
  return {
    bounds,
    logProbabilities,
    old: logProbabilities.map((value) => value + 0.4 * random.normal()),
    reference: logProbabilities.map((value) => value + 0.4 * random.normal()),
    advantages: numbers(1),
  } satisfies PolicyBatch;
}

const windowOf = ({ bounds }: PolicyBatch) => ({
  sequences: bounds.length - 1,
  tokens: bounds[bounds.length - 1]!,
  maxLength: 9,
});

/** Sequences from..to of a batch. */
function slice(batch: ReturnType<typeof randomBatch>, from: number, to: number): PolicyBatch {
  const [start, end] = [batch.bounds[from]!, batch.bounds[to]!];
  return {
    bounds: batch.bounds.slice(from, to + 1).map((bound) => bound - start),
    logProbabilities: batch.logProbabilities.slice(start, end),
    old: batch.old.slice(start, end),
    reference: batch.reference.slice(start, end),
    advantages: batch.advantages.slice(start, end),
  };
}

describe("the gradient", () => {
  test.each(kinds)("of %s is the loss's slope", (loss) => {
    const batch = randomBatch([4, 1, 7, 3]);
    const { gradient } = policyLoss(batch, { ...settings, loss }, windowOf(batch));
    for (const [i, slope] of gradient.entries()) {
      const at = (step: number) => {
        const logProbabilities = Float64Array.from(batch.logProbabilities);
        logProbabilities[i]! += step;
        return policyLoss({ ...batch, logProbabilities }, { ...settings, loss }, windowOf(batch)).loss;
      };
      expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(slope, 6);
    }
  });
});

describe("micro-batches", () => {
  // Equal in sequences and tokens, so that bnpo, whose mean is over each one's own, is the whole's as well.
  test.each(kinds)("of %s add up to the whole", (loss) => {
    const batch = randomBatch([4, 2, 5, 1]);
    const whole = policyLoss(batch, { ...settings, loss }, windowOf(batch));
    const parts = [slice(batch, 0, 2), slice(batch, 2, 4)].map((part) =>
      policyLoss(part, { ...settings, loss }, windowOf(batch)),
    );
    expect(parts[0]!.loss + parts[1]!.loss).toBeCloseTo(whole.loss, 10);
    expect([...parts[0]!.gradient, ...parts[1]!.gradient]).toEqual([...whole.gradient]);
    const figures = parts.map((part) => part.figures).reduce(addPolicyFigures, noPolicyFigures);
    expect({ ...figures, kl: 0 }).toEqual({ ...whole.figures, kl: 0 });
    expect(figures.kl).toBeCloseTo(whole.figures.kl, 10);
    expect(policyMetrics(figures)["clip_ratio/region_mean"]).toBeGreaterThan(0);
  });
});

describe("at the edges", () => {
  test("the writer itself has ratios of 1: nothing is clipped, the loss is minus the mean advantage", () => {
    const batch = { ...randomBatch([3, 2]), old: null, reference: null, advantages: spread([2, -1], [0, 3, 5]) };
    const { loss, gradient, figures } = policyLoss(batch, { ...settings, beta: 0 }, windowOf(batch));
    expect(loss).toBeCloseTo(-4 / 5, 6);
    expect([...gradient]).toEqual([-0.4, -0.4, -0.4, 0.2, 0.2].map(Math.fround));
    expect(figures).toEqual({ ...noPolicyFigures, tokens: 5, lowMin: 0, highMax: 0 });
  });

  test.each(kinds)("%s counts an empty sequence, and an empty batch is 0", (loss) => {
    const batch = randomBatch([3, 0, 2, 0]);
    const result = policyLoss(batch, { ...settings, loss }, windowOf(batch));
    expect(Number.isFinite(result.loss)).toBe(true);
    const without = policyLoss({ ...batch, bounds: [0, 3, 5] }, { ...settings, loss }, windowOf(batch));
    // bnpo's mean is over tokens, times the share of the window's sequences: without the empty ones that is a half.
    expect(result.loss).toBeCloseTo(without.loss * (loss === "bnpo" ? 2 : 1), 10);
    for (const bounds of [[0], [0, 0, 0]]) {
      const none = { bounds, logProbabilities: [], old: [], reference: [], advantages: [] };
      expect(policyLoss(none, { ...settings, loss }, { sequences: 0, tokens: 0, maxLength: 9 })).toEqual({
        loss: 0,
        gradient: new Float32Array(0),
        figures: noPolicyFigures,
      });
    }
    expect(policyMetrics(noPolicyFigures)).toMatchObject({ kl: 0, "clip_ratio/low_min": 0 });
  });

  test("a huge ratio is clipped where it would pay, moves nothing where the advantage is 0, and else has diverged", () => {
    const batch = (advantage: number) => ({
      bounds: [0, 1],
      logProbabilities: [-1],
      old: [-1000],
      reference: null,
      advantages: [advantage],
    });
    const window = { sequences: 1, tokens: 1, maxLength: 1 };
    const plain = { ...settings, beta: 0 };
    expect(policyLoss(batch(1), plain, window)).toMatchObject({ loss: -1.3, gradient: new Float32Array(1) });
    expect(policyLoss(batch(0), plain, window)).toMatchObject({ loss: 0, gradient: new Float32Array(1) });
    expect(() => policyLoss(batch(-1), plain, window)).toThrow("Sequence 1, token 1: gradient is Infinity");
  });

  test("what is not a number is named with its place", () => {
    const batch = randomBatch([3, 0, 2]);
    for (const name of ["logProbabilities", "old", "reference", "advantages"] as const) {
      const numbers = batch[name].slice();
      numbers[3] = Number.NaN;
      expect(() => policyLoss({ ...batch, [name]: numbers }, settings, windowOf(batch))).toThrow(
        expect.objectContaining({ code: "run.diverged", message: `Sequence 3, token 1: ${name} is NaN` }),
      );
    }
  });

  test("a caller's mistake is a bug", () => {
    const batch = randomBatch([3, 2]);
    const bug = expect.objectContaining({ code: "bug" }) as Error;
    expect(() => policyLoss({ ...batch, reference: null }, settings, windowOf(batch))).toThrow(bug);
    expect(() => policyLoss({ ...batch, old: [1] }, settings, windowOf(batch))).toThrow(bug);
    for (const bounds of [[0, 3, 4], [0, 4, 3, 5], [1, 5], []]) {
      expect(() => policyLoss({ ...batch, bounds }, settings, windowOf(batch))).toThrow(bug);
    }
    expect(() => spread([1], [0, 3, 5])).toThrow(bug);
  });
});

/** @file Losses of pairs at their edges. */

import { describe, expect, test } from "vitest";
import {
  addPairFigures,
  noPairFigures,
  type PreferenceBatch,
  type PreferenceSettings,
  pairMetrics,
  preferenceLoss,
} from "./preference";
import { lengthsOf, spread, sumsOf } from "./sequences";

const settings: PreferenceSettings = { loss: "sigmoid", beta: 0.1, labelSmoothing: 0 };
const bug = expect.objectContaining({ code: "bug" }) as Error;

const batch: PreferenceBatch = {
  logProbabilities: [-10, -14, -30, -8],
  reference: [-11, -12, -30, -20],
  lengths: [5, 4, 0, 7],
};
const slice = (from: number, to: number) => ({
  logProbabilities: Array.from(batch.logProbabilities).slice(2 * from, 2 * to),
  reference: Array.from(batch.reference).slice(2 * from, 2 * to),
  lengths: Array.from(batch.lengths).slice(2 * from, 2 * to),
});

describe.each(["sigmoid", "ipo", "hinge"] as const)("%s", (loss) => {
  const of = (pairs: PreferenceBatch, count = 2) => preferenceLoss(pairs, { ...settings, loss }, { pairs: count });

  test("of micro-batches adds up to the whole", () => {
    const whole = of(batch);
    const parts = [of(slice(0, 1)), of(slice(1, 2))];
    expect(parts[0]!.loss + parts[1]!.loss).toBeCloseTo(whole.loss, 12);
    expect(parts.flatMap(({ gradient }) => [...gradient])).toEqual([...whole.gradient]);
    expect(parts.map(({ figures }) => figures).reduce(addPairFigures, noPairFigures)).toEqual(whole.figures);
    expect(pairMetrics(whole.figures)["rewards/accuracies"]).toBe(0.5);
    expect(pairMetrics(whole.figures)["rewards/margins"]).toBeCloseTo(0.1 * (3 - 12) * 0.5, 12);
  });

  test("rewards the chosen answer, and punishes the rejected one as much by each token's share", () => {
    const [chosen, rejected] = of(slice(0, 1), 1).gradient;
    expect(chosen).toBeLessThan(0);
    expect(chosen! * (loss === "ipo" ? 5 : 1)).toBeCloseTo(-rejected! * (loss === "ipo" ? 4 : 1), 6);
  });

  test("is finite however far the answers are apart, and nothing of nothing", () => {
    for (const far of [1e6, -1e6]) {
      const { loss: cost, gradient } = of({ logProbabilities: [far, 0], reference: [0, 0], lengths: [1, 1] }, 1);
      expect(Number.isFinite(cost) && gradient.every(Number.isFinite)).toBe(true);
    }
    expect(of({ logProbabilities: [], reference: [], lengths: [] }, 0)).toMatchObject({ loss: 0 });
    expect(pairMetrics(noPairFigures)["rewards/accuracies"]).toBe(0);
  });

  test("names the answer that is not a number, and takes no half pairs", () => {
    const broken = { ...batch, reference: [0, 0, 0, Number.NaN] };
    expect(() => of(broken)).toThrow("Sequence 4: reference is NaN");
    expect(() => of({ logProbabilities: [1, 2, 3], reference: [1, 2, 3], lengths: [1, 1, 1] })).toThrow(bug);
  });
});

test("smoothing has its least loss at a finite margin", () => {
  const at = (margin: number) => {
    const pair = { logProbabilities: [margin, 0], reference: [0, 0], lengths: [1, 1] };
    return preferenceLoss(pair, { ...settings, beta: 1, labelSmoothing: 0.1 }, { pairs: 1 });
  };
  const best = Math.log(0.9 / 0.1);
  expect(at(best).gradient[0]).toBeCloseTo(0, 7);
  expect(at(best).loss).toBeLessThan(Math.min(at(best - 0.5).loss, at(best + 0.5).loss));
});

test("sums over tokens and back", () => {
  const bounds = [0, 2, 2, 5];
  expect([...sumsOf([1, 2, 3, 4, 5], bounds)]).toEqual([3, 0, 12]);
  expect([...lengthsOf(bounds)]).toEqual([2, 0, 3]);
  expect([...spread([0.5, 9, -1], bounds)]).toEqual([0.5, 0.5, -1, -1, -1]);
});

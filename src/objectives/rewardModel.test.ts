/** @file Reward models' losses at their edges. */

import { describe, expect, test } from "vitest";
import {
  addRewardModelFigures,
  noRewardModelFigures,
  type RewardModelSettings,
  rewardModelLoss,
  rewardModelMetrics,
  wholeRewards,
} from "./rewardModel";

const settings: RewardModelSettings = { loss: "bradley-terry", margin: 0.5, centre: 0.02, weights: [1, -0.5] };
const scores = [1, 2, 0.5, -1, /**/ 0, 0, 0, 0, /**/ -3, 1, 2, 2];
const judged = [0, null, 1];
const bug = expect.objectContaining({ code: "bug" }) as Error;

describe.each(["bradley-terry", "triplet"] as const)("%s", (loss) => {
  const of = (pairs: { scores: number[]; judged: (number | null)[] }, count = 3) =>
    rewardModelLoss(pairs, { ...settings, loss }, { pairs: count });

  test("has its slope as gradient, and a pair moves the dimension it judges alone", () => {
    const { gradient } = of({ scores, judged });
    for (const [i, slope] of gradient.entries()) {
      const at = (step: number) => of({ scores: scores.map((v, j) => (j === i ? v + step : v)), judged }).loss;
      // The first pair stands at the triplet's kink: ahead by the margin to the dot.
      if (loss === "triplet" && i < 4) continue;
      expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(slope, 6);
    }
    expect([1, 3, 8, 10].map((i) => Math.abs(gradient[i]!))).toEqual([0, 0, 0, 0]);
    // Centring alone: (1 + 0.5) · 2 · 0.02 / 3.
    if (loss === "triplet") expect(gradient[0]).toBeCloseTo(0.02, 7);
  });

  test("of micro-batches adds up to the whole", () => {
    const whole = of({ scores, judged });
    const parts = [of({ scores: scores.slice(0, 4), judged: [0] }), of({ scores: scores.slice(4), judged: [null, 1] })];
    expect(parts[0]!.loss + parts[1]!.loss).toBeCloseTo(whole.loss, 12);
    expect(parts.flatMap(({ gradient }) => [...gradient])).toEqual([...whole.gradient]);
    const figures = parts.map((part) => part.figures).reduce(addRewardModelFigures, noRewardModelFigures(2));
    expect(figures).toEqual(whole.figures);
    expect(rewardModelMetrics(figures, ["help", "safety"])).toEqual({
      "rewards/chosen": 2 / 3,
      "rewards/rejected": 2.5 / 3,
      "rewards/margins": -0.5 / 3,
      "rewards/accuracies": 1 / 3, // a tie is not right
      "rewards/help/accuracy": 1,
      "rewards/help/margin": 0.5,
      "rewards/safety/accuracy": 0,
      "rewards/safety/margin": -1,
    });
  });

  test("is finite however far the scores are apart, and nothing of nothing", () => {
    const { loss: cost, gradient } = of({ scores: [-1e6, 0, 1e6, 0], judged: [0] }, 1);
    expect(Number.isFinite(cost) && gradient.every(Number.isFinite)).toBe(true);
    expect(of({ scores: [], judged: [] }, 0).loss).toBe(0);
    expect(rewardModelMetrics(noRewardModelFigures(2), [])["rewards/accuracies"]).toBe(0);
  });

  test("names the pair that is not a number; what does not fit is a bug", () => {
    expect(() => of({ scores: scores.with(4, Number.NaN), judged })).toThrow("Pair 2: the rewards are NaN and 0");
    expect(() => of({ scores, judged: [0, 1] })).toThrow(bug);
    for (const dimension of [2, -1, 0.5]) expect(() => of({ scores, judged: [0, dimension, 1] })).toThrow(bug);
  });
});

test("the whole reward is the weighted sum of its dimensions", () => {
  expect([...wholeRewards([1, 2, 0.5, -1], [1, -0.5])]).toEqual([0, 1]);
  expect(() => wholeRewards([1, 2, 3], [1, -0.5])).toThrow();
});

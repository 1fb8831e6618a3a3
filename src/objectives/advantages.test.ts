/** @file Advantages at their edges: missing rewards, groups of one, no spread; and GAE against its definition. */

import { describe, expect, test } from "vitest";
import { newRandom } from "../core/random";
import {
  generalisedAdvantages,
  groupAdvantages,
  meanAndSpread,
  rewardFigures,
  sumRewards,
  whitened,
} from "./advantages";

const scales = ["group", "batch", "none"] as const;
const diverged = expect.objectContaining({ code: "run.diverged" }) as Error;
const bug = expect.objectContaining({ code: "bug" }) as Error;

describe("rewards", () => {
  test("are summed where they apply, and nothing applying is no reward rather than 0", () => {
    const columns = [
      [1, null, Number.NaN, 0],
      [0.5, 2, null, null],
    ];
    expect([...sumRewards(columns, [1, -2])]).toEqual([0, -4, Number.NaN, 0]);
    expect([...sumRewards([], [])]).toEqual([]);
  });

  test("that are infinite, or too few, are told", () => {
    expect(() =>
      sumRewards(
        [
          [1, 2],
          [0, Number.POSITIVE_INFINITY],
        ],
        [1, 1],
      ),
    ).toThrow("Reward 2 of answer 2 is Infinity");
    expect(() => sumRewards([[1, Number.NEGATIVE_INFINITY]], [0])).toThrow(diverged);
    expect(() => sumRewards([[1, 2], [0]], [1, 1])).toThrow(bug);
    expect(() => sumRewards([[1, 2]], [1, 1])).toThrow(bug);
  });

  test("have figures, without those that nothing applied to", () => {
    const columns = [
      [1, 3, null, null],
      [null, null, null, null],
    ];
    const sums = sumRewards(columns, [1, 1]);
    expect(rewardFigures(["answer", "own"], columns, sums, [false, true])).toEqual({
      reward: 2,
      reward_std: Math.SQRT2,
      "rewards/answer/mean": 2,
      "rewards/answer/std": Math.SQRT2,
      frac_reward_zero_std: 0.5,
    });
    expect(rewardFigures([], [], [], [])).toEqual({ frac_reward_zero_std: 0 });
  });
});

describe.each(scales)("advantages by %s", (scale) => {
  test("are exactly 0, and counted, where a group has no spread: by rounding either", () => {
    const rewards = [0.1 + 0.2, 0.3, 0.3, 1, 0, 0];
    const { advantages, isFlat, spreads } = groupAdvantages(rewards, [0, 3, 6], scale);
    expect([...advantages.slice(0, 3)]).toEqual([0, 0, 0]);
    expect(advantages[3]).toBeGreaterThan(0.6);
    expect(isFlat).toEqual([true, false]);
    expect(spreads[1]).toBeCloseTo(Math.sqrt(1 / 3), 12);
  });

  test("are 0 for groups of one, of none, and of one that a reward applies to", () => {
    const { NaN: none } = Number;
    const { advantages, isFlat } = groupAdvantages([5, 7, none, none, none, 1, 3, none], [0, 1, 1, 3, 5, 8], scale);
    expect([...advantages.slice(0, 5)]).toEqual([0, 0, 0, 0, 0]);
    expect(isFlat).toEqual([true, true, true, true, false]);
    expect(advantages[5]).toBe(-advantages[6]!);
    expect(advantages[6]).toBeGreaterThan(0);
    expect(advantages[7]).toBe(0);
  });

  test("need groups that hold all rewards, and finite ones", () => {
    expect(() => groupAdvantages([1, 2, 3], [0, 2], scale)).toThrow(bug);
    expect(() => groupAdvantages([1, 2, 3], [0, 2, 1, 3], scale)).toThrow(bug);
    expect(() => groupAdvantages([1, Number.NEGATIVE_INFINITY], [0, 2], scale)).toThrow(
      "Answer 2: its reward is infinite",
    );
  });
});

describe("generalised advantages", () => {
  const random = newRandom(3);
  const bounds = [0, 4, 4, 5, 12];
  const [rewards, values] = [0, 1].map(() => Float64Array.from({ length: 12 }, () => random.normal())) as [
    Float64Array,
    Float64Array,
  ];

  test("are the discounted sums of what surprised, within each sequence", () => {
    const [gamma, lambda] = [0.9, 0.7];
    const { advantages, returns } = generalisedAdvantages(rewards, values, bounds, { gamma, lambda });
    for (const [s, from] of [0, 4, 5].entries()) {
      const to = [4, 5, 12][s]!;
      for (let t = from; t < to; t++) {
        let sum = 0;
        for (let l = 0; t + l < to; l++) {
          const next = t + l + 1 < to ? values[t + l + 1]! : 0;
          sum += (gamma * lambda) ** l * (rewards[t + l]! + gamma * next - values[t + l]!);
        }
        expect(advantages[t]).toBeCloseTo(sum, 12);
        expect(returns[t]).toBeCloseTo(sum + values[t]!, 12);
      }
    }
  });

  test("with γ = λ = 1 the return is all that is still to come", () => {
    const { returns } = generalisedAdvantages(rewards, values, bounds, { gamma: 1, lambda: 1 });
    expect(returns[0]).toBeCloseTo(
      rewards.slice(0, 4).reduce((a, b) => a + b),
      12,
    );
    expect(returns[11]).toBeCloseTo(rewards[11]!, 12);
  });

  test("name the place of what is not a number", () => {
    const broken = Float64Array.from(values, (value, i) => (i === 6 ? Number.NaN : value));
    const settings = { gamma: 1, lambda: 1 };
    expect(() => generalisedAdvantages(rewards, broken, bounds, settings)).toThrow("Sequence 4, token 2: value is NaN");
    expect(() => generalisedAdvantages(rewards, [1], bounds, settings)).toThrow(bug);
  });
});

test("white numbers have mean 0 and spread 1, one alone is 0, and none are none", () => {
  const { mean, spread } = meanAndSpread(whitened([1, 2, 4, 9]));
  expect(mean).toBeCloseTo(0, 12);
  expect(spread).toBeCloseTo(1, 8);
  expect(meanAndSpread(whitened([1, 2, 4, 9], { keepMean: true })).mean).toBeCloseTo(4, 12);
  expect([...whitened([7])]).toEqual([0]);
  expect([...whitened([3, 3, 3])]).toEqual([0, 0, 0]);
  expect([...whitened([])]).toEqual([]);
  expect(() => whitened([1, Number.NaN])).toThrow(diverged);
});

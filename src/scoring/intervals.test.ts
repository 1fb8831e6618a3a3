/** @file Intervals against published values and closed forms, and how often they hold the truth. */

import { describe, expect, test } from "vitest";
import { newRandom } from "../core/random";
import { estimateCrossed, estimateMean, isClear, studentT, wilson } from "./intervals";

// R: qt(0.975, df)
test.each([
  [1, 12.706204736],
  [2, 4.302652729],
  [2.5, 3.574654842],
  [4, 2.776445105],
  [9, 2.262157163],
  [30, 2.042272456],
  [1000, 1.962339081],
])("Student's t for %f degrees of freedom is %f", (df, t) => {
  expect(studentT(df)).toBeCloseTo(t, 6);
});

test("Student's t goes over into the normal distribution's 1.96", () => {
  expect(studentT(1e6)).toBeCloseTo(1.95996636, 6);
  expect(studentT(1e8)).toBeCloseTo(1.959963984540054, 12);
});

test("Wilson's interval is that of the literature", () => {
  const { low, high } = wilson(0.1, 10); // Wilson 1927 by Newcombe's form: 1 of 10
  expect(low).toBeCloseTo(0.0178762, 6);
  expect(high).toBeCloseTo(0.40415, 6);
  expect(wilson(0, 20)).toEqual({ low: 0, high: expect.closeTo(0.1611252, 6) as number });
  expect(wilson(1, 0)).toEqual({ low: 0, high: 1 });
});

test("a mean's interval is Student's: R's t.test(c(1, 2, 3, 4, 5))", () => {
  const { mean, interval } = estimateMean([1, 2, 3, 4, 5]);
  expect(mean).toBe(3);
  expect(interval?.low).toBeCloseTo(1.036757, 6);
  expect(interval?.high).toBeCloseTo(4.963243, 6);
  expect(estimateMean([7])).toEqual({ mean: 7, interval: null });
  expect(() => estimateMean([])).toThrow(RangeError);
});

describe("seeds and problems crossed", () => {
  test("one seed leaves the problems' own interval", () => {
    const row = [1, 0, 1, 1, 0, 1, 1, 1];
    expect(estimateCrossed([row])).toEqual({
      mean: 0.75,
      interval: {
        low: expect.closeTo(estimateMean(row).interval?.low ?? 0, 12) as number,
        high: expect.closeTo(estimateMean(row).interval?.high ?? 0, 12) as number,
      },
    });
  });

  test("without variance between the problems it is Student's over the seeds", () => {
    const table = [0.2, 0.5, 0.9].map((value) => Array.from({ length: 50 }, () => value));
    const { mean, interval } = estimateCrossed(table);
    const bySeeds = estimateMean([0.2, 0.5, 0.9]);
    expect(mean).toBeCloseTo(bySeeds.mean, 12);
    expect(interval?.low).toBeCloseTo(bySeeds.interval?.low ?? 0, 9);
    expect(interval?.high).toBeCloseTo(bySeeds.interval?.high ?? 0, 9);
  });

  test("a table worked by hand", () => {
    // means of seeds 2.5 and 3.5, of problems 1.5, 3.5, 4: MS_seed 1.5, MS_problem 3.5, MS_rest 0.5
    const { mean, interval } = estimateCrossed([
      [1, 2, 4.5],
      [2, 5, 3.5],
    ]);
    expect(mean).toBe(3);
    const ofSeeds = 3 * 0.5; // N · Σ(±0.5)² / 1
    const ofProblems = (2 * (1.5 ** 2 + 0.5 ** 2 + 1)) / 2;
    const all = 4 + 1 + 2.25 + 1 + 4 + 0.25;
    const ofRest = (all - ofSeeds - 2 * ofProblems) / 2;
    const beyond = ofProblems - ofRest;
    const df = (ofSeeds + beyond) ** 2 / (ofSeeds ** 2 + beyond ** 2 / 2);
    expect(interval?.high).toBeCloseTo(
      3 + Math.max(studentT(1) * Math.sqrt(ofSeeds / 6), studentT(df) * Math.sqrt((ofSeeds + beyond) / 6)),
      12,
    );
  });

  test("what never varies has an interval of no width, and a ragged table is refused", () => {
    expect(
      estimateCrossed([
        [1, 1],
        [1, 1],
      ]),
    ).toEqual({ mean: 1, interval: { low: 1, high: 1 } });
    expect(() => estimateCrossed([[1, 0], [1]])).toThrow(RangeError);
    expect(() => estimateCrossed([])).toThrow(RangeError);
  });

  test.each([
    [3, 100, 0.03],
    [5, 100, 0.03],
    [5, 200, 0],
    [2, 100, 0.05],
  ])("%d seeds by %d problems, seeds spread by %f: the truth is inside about 95 times in 100", (S, N, spread) => {
    const random = newRandom(11);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const rounds = 1500;
    let held = 0;
    for (let round = 0; round < rounds; round++) {
      // a problem is solved with a chance of its own, mean 0.6, that a seed moves
      const chances = Array.from({ length: N }, () => 0.2 + 0.8 * random.next());
      const table = Array.from({ length: S }, () => {
        const moved = spread * normal();
        return chances.map((chance) => (random.next() < chance + moved ? 1 : 0));
      });
      const { interval } = estimateCrossed(table);
      if (interval && interval.low <= 0.6 && interval.high >= 0.6) held++;
    }
    expect(held / rounds).toBeGreaterThan(0.935);
    expect(held / rounds).toBeLessThan(0.995);
  });
});

test("a difference is clear where its interval leaves 0 out", () => {
  expect(isClear({ mean: 0.1, interval: { low: 0.05, high: 0.15 } })).toBe(true);
  expect(isClear({ mean: -0.1, interval: { low: -0.2, high: -0.01 } })).toBe(true);
  expect(isClear({ mean: 0.1, interval: { low: -0.05, high: 0.25 } })).toBe(false);
  expect(isClear({ mean: 0.1, interval: null })).toBe(false);
});

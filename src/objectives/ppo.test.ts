/** @file PPO's losses, divergences and controller at their edges. */

import { describe, expect, test } from "vitest";
import { newRandom } from "../core/random";
import {
  addPpoFigures,
  explainedVariance,
  nextKlCoefficient,
  noPpoFigures,
  type PpoBatch,
  ppoLoss,
  ppoMetrics,
  tokenDivergence,
  tokenRewards,
} from "./ppo";

const settings = { clip: 0.2, valueClip: 0.2, valueWeight: 0.5, entropyWeight: 0.01 };
const diverged = expect.objectContaining({ code: "run.diverged" }) as Error;
const bug = expect.objectContaining({ code: "bug" }) as Error;

function randomBatch(bounds: number[]) {
  const random = newRandom(2);
  const M = bounds.at(-1) ?? 0;
  const numbers = () => Float64Array.from({ length: M }, () => 0.5 * random.normal());
  const [logProbabilities, values] = [numbers(), numbers()];
  return {
    bounds,
    logProbabilities,
    old: logProbabilities.map((value) => value + 0.3 * random.normal()),
    values,
    oldValues: values.map((value) => value + 0.3 * random.normal()),
    advantages: numbers(),
    returns: numbers(),
    entropies: numbers().map(Math.abs),
    weights: numbers().map(Math.abs),
  };
}

function slice(batch: ReturnType<typeof randomBatch>, from: number, to: number): PpoBatch {
  const { bounds, ...lists } = batch;
  const [start, end] = [bounds[from]!, bounds[to]!];
  const cut = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.slice(start, end)]));
  return { ...(cut as typeof lists), bounds: bounds.slice(from, to + 1).map((bound) => bound - start) };
}

describe("the loss", () => {
  const batch = randomBatch([0, 5, 5, 9, 16]);

  test.each(["logProbabilities", "values", "entropies"] as const)("has its slope by %s as gradient", (name) => {
    const { gradients } = ppoLoss(batch, settings, { tokens: 16 });
    for (const [i, slope] of gradients[name].entries()) {
      const at = (step: number) => {
        const moved = Float64Array.from(batch[name], (value, j) => (j === i ? value + step : value));
        return ppoLoss({ ...batch, [name]: moved }, settings, { tokens: 16 }).loss;
      };
      expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(slope, 6);
    }
  });

  test("of micro-batches adds up to the whole", () => {
    const whole = ppoLoss(batch, settings, { tokens: 16 });
    const parts = [slice(batch, 0, 2), slice(batch, 2, 4)].map((part) => ppoLoss(part, settings, { tokens: 16 }));
    expect(parts[0]!.loss + parts[1]!.loss).toBeCloseTo(whole.loss, 12);
    expect(parts.flatMap(({ gradients }) => [...gradients.values])).toEqual([...whole.gradients.values]);
    const metrics = ppoMetrics(parts.map(({ figures }) => figures).reduce(addPpoFigures, noPpoFigures));
    for (const [name, value] of Object.entries(ppoMetrics(whole.figures))) {
      expect(metrics[name as keyof typeof metrics], name).toBeCloseTo(value, 12);
    }
    expect(metrics["value/clip_ratio"]).toBeGreaterThan(0);
  });

  test("of a value past its clip that the clip makes look worse is held there, without a slope", () => {
    const one = { bounds: [0, 1], logProbabilities: [-1], old: [-1], advantages: [0], entropies: null, weights: null };
    const of = (value: number, wanted: number) =>
      ppoLoss(
        { ...one, values: [value], oldValues: [0], returns: [wanted] },
        { ...settings, entropyWeight: 0 },
        { tokens: 1 },
      );
    expect(of(1, 1)).toMatchObject({ figures: { valueClipped: 1 }, gradients: { values: new Float32Array([0]) } });
    expect(of(1, 1).loss).toBeCloseTo(0.5 * 0.5 * 0.8 ** 2, 12);
    // Past its clip on the far side of what is wanted: the larger error is its own, and pulls it back.
    expect(of(1, 0)).toMatchObject({ figures: { valueClipped: 0 }, gradients: { values: new Float32Array([0.5]) } });
  });

  test("of nothing is 0", () => {
    const lists = { logProbabilities: [], old: [], advantages: [], values: [], oldValues: [], returns: [] };
    const empty = { ...lists, bounds: [0, 0], entropies: [], weights: null };
    expect(ppoLoss(empty, settings, { tokens: 0 }).loss).toBe(0);
    expect(Object.values(ppoMetrics(noPpoFigures)).every((value) => value === 0)).toBe(true);
  });

  test("of what is not a number names its place, and of lists that do not fit is a bug", () => {
    for (const name of [
      "logProbabilities",
      "old",
      "advantages",
      "values",
      "oldValues",
      "returns",
      "entropies",
    ] as const) {
      const broken = Float64Array.from(batch[name], (value, i) => (i === 6 ? Number.NaN : value));
      expect(() => ppoLoss({ ...batch, [name]: broken }, settings, { tokens: 16 })).toThrow("Sequence 3, token 2: ");
      expect(() => ppoLoss({ ...batch, [name]: [1] }, settings, { tokens: 16 })).toThrow(bug);
    }
    expect(() => ppoLoss({ ...batch, entropies: null }, settings, { tokens: 16 })).toThrow(bug);
    expect(() => ppoLoss({ ...batch, returns: new Float64Array(16).fill(1e300) }, settings, { tokens: 16 })).toThrow(
      diverged,
    );
  });
});

test("explained variance: 1 where values are the returns, 0 where they are constant, none where nothing varies", () => {
  expect(explainedVariance([1, 2, 5], [1, 2, 5])).toBe(1);
  expect(explainedVariance([3, 3, 3], [1, 2, 5])).toBeCloseTo(0, 12);
  expect(explainedVariance([1, 0, 4], [2, 2, 2])).toBeNull();
  expect(explainedVariance([1], [2])).toBeNull();
});

describe("divergence", () => {
  test("is 0 between equals, and k2 and k3 are never negative", () => {
    const random = newRandom(5);
    const [here, there] = [0, 1].map(() => Float64Array.from({ length: 50 }, () => random.normal())) as [
      Float64Array,
      Float64Array,
    ];
    for (const kind of ["k1", "k2", "k3"] as const) {
      expect(tokenDivergence(kind, here, here).every((kl) => kl === 0)).toBe(true);
      expect(tokenDivergence(kind, here, there).some((kl) => kl < 0)).toBe(kind === "k1");
    }
    expect(() => tokenDivergence("k1", here, [1])).toThrow(bug);
  });

  test("k1 and k3 are unbiased: over a distribution, each is its divergence", () => {
    const [p, q] = [
      [0.7, 0.2, 0.1],
      [0.5, 0.1, 0.4],
    ];
    const kl = p.reduce((sum, share, i) => sum + share * Math.log(share / q[i]!), 0);
    for (const kind of ["k1", "k3"] as const) {
      const each = tokenDivergence(kind, p.map(Math.log), q.map(Math.log));
      expect(p.reduce((sum, share, i) => sum + share * each[i]!, 0)).toBeCloseTo(kl, 12);
    }
  });
});

test("a token earns minus its divergence, the last one the answer's score too; an empty answer earns nothing", () => {
  expect([...tokenRewards([1, 9, -2], [0.5, 0, 1], [0, 2, 2, 3], 0.1)]).toEqual([-0.05, 1, -2.1]);
  expect(() => tokenRewards([1, 2], [0.5, 0, 1], [0, 2, 2, 3], 0.1)).toThrow(bug);
  expect(() => tokenRewards([Number.NaN], [0.5], [0, 1], 0.1)).toThrow(diverged);
});

describe("the coefficient", () => {
  const goal = { target: 6, horizon: 1000 };

  test("rises above its target and falls below it, by a fifth an horizon at most", () => {
    expect(nextKlCoefficient(0.1, 6, 100, goal)).toBe(0.1);
    expect(nextKlCoefficient(0.1, 6.6, 100, goal)).toBeCloseTo(0.1 * 1.01, 12);
    expect(nextKlCoefficient(0.1, 1e9, 100, goal)).toBeCloseTo(0.1 * 1.02, 12);
    expect(nextKlCoefficient(0.1, -5, 100, goal)).toBeCloseTo(0.1 * 0.98, 12);
  });

  test("stays without a target, and is not steered by what is not a number", () => {
    expect(nextKlCoefficient(0.1, 50, 100, { ...goal, target: 0 })).toBe(0.1);
    expect(() => nextKlCoefficient(0.1, Number.NaN, 100, goal)).toThrow(diverged);
  });
});

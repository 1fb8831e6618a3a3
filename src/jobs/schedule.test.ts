/** @file Schedules against the lambdas of transformers 5.18 (`get_*_schedule_with_warmup`, 3 warm-up steps of 10). */

import { expect, test } from "vitest";
import { newRecipe } from "../core/recipe";
import { learningRateAt } from "./schedule";

const warm = [0, 0.3333333333333333, 0.6666666666666666];
const expected = {
  constant: [...warm, 1, 1, 1, 1, 1, 1, 1],
  linear: [
    ...warm,
    1,
    0.8571428571428571,
    0.7142857142857143,
    0.5714285714285714,
    0.42857142857142855,
    0.2857142857142857,
    0.14285714285714285,
  ],
  cosine: [
    ...warm,
    1,
    0.9504844339512095,
    0.8117449009293668,
    0.6112604669781572,
    0.38873953302184283,
    0.18825509907063326,
    0.04951556604879048,
  ],
} as const;

test.each(["constant", "linear", "cosine"] as const)("%s", (kind) => {
  const recipe = newRecipe({ schedule: { kind, steps: 10, warmupSteps: 3 } });
  recipe.optimizer.learningRate = 1;
  const rates = expected[kind].map((_, i) => learningRateAt(recipe, i + 1));
  rates.forEach((rate, i) => {
    expect(rate).toBeCloseTo(expected[kind][i] ?? Number.NaN, 12);
  });
});

test("without a warm-up the first step has the full rate", () => {
  const recipe = newRecipe({ schedule: { kind: "cosine", steps: 5, warmupSteps: 0 } });
  expect(learningRateAt(recipe, 1)).toBe(recipe.optimizer.learningRate);
});

/** @file The learning rate of each step: linear warm-up, then cosine, linear or constant, as transformers schedules it. */

import type { Recipe } from "../core/recipe";

/**
 * The rate of optimizer step `step`, counted from 1. Equal to transformers' `get_{cosine,linear,constant}_schedule_with_warmup`,
 * whose first step uses the factor of 0: with a warm-up, step 1 has rate 0.
 */
export function learningRateAt(recipe: Pick<Recipe, "schedule" | "optimizer">, step: number): number {
  const { kind, steps, warmupSteps } = recipe.schedule;
  const current = step - 1;
  return recipe.optimizer.learningRate * factorAt(kind, current, steps, warmupSteps);
}

function factorAt(kind: Recipe["schedule"]["kind"], current: number, steps: number, warmup: number): number {
  if (current < warmup) return current / Math.max(1, warmup);
  switch (kind) {
    case "constant":
      return 1;
    case "linear":
      return Math.max(0, (steps - current) / Math.max(1, steps - warmup));
    case "cosine":
      return Math.max(0, 0.5 * (1 + Math.cos((Math.PI * (current - warmup)) / Math.max(1, steps - warmup))));
  }
}

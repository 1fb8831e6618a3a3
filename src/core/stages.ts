/** @file The stages of a run: imitation first where the recipe says so, then its own objective. */

import { newObjective } from "./objective";
import type { Recipe } from "./recipe";

export type Stage = {
  /** Steps of the run before its first. */
  from: number;
  /** What is trained now, and how. */
  recipe: Recipe;
};

/** Share of its steps in which the first stage's learning rate rises. */
const warmup = 0.05;

/** All stages of a recipe, in their order. */
export const stagesOf = (recipe: Recipe): Stage[] =>
  recipe.sftFirst ? [stageAt(recipe, 0), stageAt(recipe, recipe.sftFirst.steps)] : [stageAt(recipe, 0)];

/** The stage of the step that follows `step` steps. */
export function stageAt(recipe: Recipe, step: number): Stage {
  const { sftFirst, optimizer } = recipe;
  if (!sftFirst || step >= sftFirst.steps) return { from: sftFirst?.steps ?? 0, recipe };
  const { steps, learningRate } = sftFirst;
  return {
    from: 0,
    recipe: {
      ...recipe,
      objective: newObjective("sft"),
      optimizer: { ...optimizer, learningRate },
      schedule: { kind: "cosine", steps, warmupSteps: Math.round(warmup * steps) },
    },
  };
}

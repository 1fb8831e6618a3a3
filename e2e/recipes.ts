/** @file Short recipes for tests, and the address that opens the studio with one. */

import { newRecipe, type Recipe } from "../src/core/recipe";
import { writeRecipeLink } from "../src/state/recipeLink";

/** The quickstart, cut to what two cores do in half a minute. */
export function newShortRecipe(steps: number, changes: Partial<Recipe> = {}): Recipe {
  const quickstart = newRecipe();
  return newRecipe({
    name: "short",
    batching: { ...quickstart.batching, rows: 8 },
    schedule: { ...quickstart.schedule, steps, warmupSteps: Math.min(4, steps) },
    evaluation: { ...quickstart.evaluation, every: 10, rows: 16, lossRows: 16, samples: 2 },
    checkpoints: { every: 5 },
    ...changes,
  });
}

export const studioWith = async (recipe: Recipe) => `/${await writeRecipeLink(recipe)}`;

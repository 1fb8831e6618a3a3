import { expect, test } from "vitest";
import { methodOf, newMethod } from "../../core/adaptation";
import { newRecipe, parseRecipe } from "../../core/recipe";
import { logicMasks, withMask } from "./logicMasks";

const loarOnly = newRecipe({ adaptation: [newMethod("loar", { annotator: { kind: "spans" } })] });

test("the recipe's own mask comes first where it has one", () => {
  expect(logicMasks(loarOnly)[0]).toBe("recipe");
  expect(logicMasks(newRecipe())[0]).toBe("off");
  expect(logicMasks(newRecipe())).not.toContain("recipe");
});

test("every mask leaves a recipe that is valid, with the mask it names", () => {
  for (const recipe of [newRecipe(), loarOnly, newRecipe({ adaptation: [newMethod("full")] })]) {
    for (const mask of logicMasks(recipe)) {
      const { adaptation } = parseRecipe(withMask(recipe, mask));
      const found = methodOf(adaptation, "loar")?.annotator.kind;
      expect(found).toBe(mask === "off" ? undefined : mask === "recipe" ? "spans" : mask);
    }
  }
});

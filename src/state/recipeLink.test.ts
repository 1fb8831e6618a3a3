import { expect, test } from "vitest";
import { newRecipe } from "../core/recipe";
import { parseRecipeLink, writeRecipeLink } from "./recipeLink";

test("a recipe comes back from its link, every field of it", async () => {
  const recipe = newRecipe({ name: "Üben 練習", seed: 7 });
  const link = await writeRecipeLink(recipe);
  expect(link).toMatch(/^#recipe=[\w-]+$/);
  expect(link.length).toBeLessThan(1500);
  expect(await parseRecipeLink(link)).toEqual(recipe);
});

test("other fragments carry none", async () => {
  expect(await parseRecipeLink("")).toBeNull();
  expect(await parseRecipeLink("#import")).toBeNull();
});

test("a damaged link is told as such", async () => {
  const link = await writeRecipeLink(newRecipe());
  for (const damaged of [link.slice(0, -40), "#recipe=%%%", "#recipe=", `#recipe=${link.slice(20)}`])
    await expect(parseRecipeLink(damaged)).rejects.toMatchObject({ code: "recipe.invalid" });
});

test("a recipe that breaks a bound is refused with the field's name", async () => {
  const link = await writeRecipeLink({ ...newRecipe(), seed: -1 });
  await expect(parseRecipeLink(link)).rejects.toThrow(/^seed: /);
});

test("a link that swells without end is stopped", async () => {
  const link = await writeRecipeLink({ ...newRecipe(), name: "x".repeat(10_000_000) }).catch((error: unknown) => error);
  // Writing packs it small; reading must not unpack it whole.
  expect(typeof link).toBe("string");
  await expect(parseRecipeLink(link as string)).rejects.toThrow(/far more/);
});

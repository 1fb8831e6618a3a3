/** @file The Studio page: everything chosen already, Advanced and JSON in step, a damaged link told. */

import { newRecipe } from "../src/core/recipe";
import { expectAccessible } from "./expectAccessible";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

for (const theme of ["light", "dark"] as const) {
  test.describe(theme, () => {
    test.use({ settings: { theme, backend: "wasm" } });
    test("four cards are filled in, and Advanced is accessible too", async ({ page }) => {
      const studio = studioPage(page);
      await studio.open();
      await shell(page).expectEngine(/WASM/);
      await expect(studio.start).toBeEnabled();
      await expect(studio.card("Model")).toContainText(/parameters/);
      await expect(studio.card("Data")).toContainText(/held out/, { timeout: 30_000 });
      await expect(studio.card("Method")).toContainText(/trained/);
      await expect(studio.card("Train")).toContainText(/fits/);
      await expectAccessible(page, `Studio, ${theme}`);
      await studio.advanced.click();
      await expect(page.getByText("AdamW").first()).toBeVisible();
      await expectAccessible(page, `Advanced, ${theme}`);
    });
  });
}

test("a recipe comes in by its link, and the form shows it", async ({ page }) => {
  const studio = studioPage(page);
  await studio.open(newShortRecipe(37));
  await expect(studio.card("Train").getByRole("textbox")).toHaveValue("37");
  expect(new URL(page.url()).hash).toBe("");
});

test("a damaged link is told, and the defaults stay", async ({ page }) => {
  await page.goto("/#recipe=AAAA");
  await expect(shell(page).alerts).toContainText("The link is damaged");
  await expect(studioPage(page).start).toHaveAccessibleName(new RegExp(`^Train ${newRecipe().schedule.steps} steps`));
});

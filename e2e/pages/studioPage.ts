/** @file The guided flow. */

import { expect, type Page } from "@playwright/test";
import type { Recipe } from "../../src/core/recipe";
import { studioWith } from "../recipes";
import { runPage } from "./runPage";

export function studioPage(page: Page) {
  const start = page.getByRole("button", { name: /^Train \d+ step/ });
  const objective = page.getByRole("region", { name: "What it learns from" });
  return {
    start,
    card: (name: "Model" | "Data" | "Method" | "Train") => page.getByRole("region", { name }),
    objective,
    rewards: objective.getByRole("region", { name: "Rewards" }),
    advanced: page.getByRole("button", { name: /^Advanced/ }),
    /** Opens the studio with a recipe in the address. */
    async open(recipe?: Recipe) {
      await page.goto(recipe ? await studioWith(recipe) : "/");
      await expect(page.getByRole("heading", { level: 1, name: "Studio" })).toBeVisible();
      if (recipe) await expect(start).toHaveAccessibleName(new RegExp(`^Train ${recipe.schedule.steps} step`));
    },
    /** The one click; answers the run's page. */
    async train() {
      await expect(start).toBeEnabled({ timeout: 30_000 });
      await start.click();
      const run = runPage(page);
      await expect(run.title).toBeVisible({ timeout: 30_000 });
      return run;
    },
    /** By the picker's words: `LoAR + LoRA`. */
    async chooseMethod(name: string) {
      const card = page.getByRole("region", { name: "Method" });
      await card.getByRole("button", { name: /Method/ }).click();
      await page.getByRole("option", { name, exact: true }).click();
      await expect(card.getByRole("button", { name: /Method/ })).toContainText(name);
    },
    /** By the tile's first words: `Rewards: GRPO`. */
    async chooseObjective(name: string) {
      await objective.getByText(name, { exact: true }).click();
      await expect(objective.getByRole("radio", { name: new RegExp(`^${name}`) })).toBeChecked();
    },
    async addMethod(name: string) {
      await page.getByRole("region", { name: "Method" }).getByRole("button", { name: "Add another method" }).click();
      await page.getByRole("menuitem", { name: `Add ${name}` }).click();
    },
    /** The recipe as the JSON view has it; Advanced is open. */
    async recipe(): Promise<Recipe> {
      await page.getByRole("tab", { name: "JSON" }).click();
      const text = await page.getByRole("textbox", { name: "Recipe as JSON" }).inputValue();
      await page.getByRole("tab", { name: "Form" }).click();
      return JSON.parse(text) as Recipe;
    },
    async chooseData(name: string) {
      await page
        .getByRole("region", { name: "Data" })
        .getByRole("button", { name: /Data set/ })
        .click();
      await page.getByRole("option", { name }).click();
    },
  };
}

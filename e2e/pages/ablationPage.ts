/** @file The comparison of methods: a new one, and one that runs or is done. */

import { readFile } from "node:fs/promises";
import { expect, type Page } from "@playwright/test";

export function ablationPage(page: Page) {
  const results = page.getByRole("table", { name: "Results" });
  const cells = page.getByRole("table", { name: "Runs by variant and seed" });
  const word = page.getByRole("textbox", { name: "A variant, in a word" });
  return {
    results,
    cells,
    word,
    variants: page.getByRole("region", { name: "Variants" }),
    chart: page.getByRole("figure", { name: "Accuracy by variant" }),
    create: page.getByRole("button", { name: /^Compare \d+ runs/ }),
    goOn: page.getByRole("main").getByRole("button", { name: "Go on" }),
    pause: page.getByRole("main").getByRole("button", { name: "Pause", exact: true }),
    stop: page.getByRole("main").getByRole("button", { name: "Stop", exact: true }),
    failures: page.getByRole("region", { name: "Failed runs" }),
    row: (variant: string) => results.getByRole("row", { name: new RegExp(`^${variant.replace("+", "\\+")} `) }),
    cell: (variant: string, seed: number) =>
      cells.getByRole("button", { name: new RegExp(`^${variant.replace("+", "\\+")}, seed ${seed}: `) }),

    async remove(variant: string) {
      await page.getByRole("button", { name: `Leave ${variant} out` }).click();
    },
    async add(variant: string) {
      await word.fill(variant);
      await page.getByRole("button", { name: "Add", exact: true }).click();
    },
    async setSeeds(count: number) {
      await page.getByRole("textbox", { name: "Seeds" }).fill(String(count));
    },
    async setFinalRows(count: number) {
      await page.getByRole("textbox", { name: "Problems at the end" }).fill(String(count));
    },
    async expectCell(variant: string, seed: number, status: string, timeout = 120_000) {
      await expect(this.cell(variant, seed)).toContainText(status, { timeout });
    },
    async chooseOfCell(variant: string, seed: number, action: string) {
      await this.cell(variant, seed).click();
      await page.getByRole("menuitem", { name: action }).click();
    },
    async waitForStatus(status: "running" | "paused" | "stopped" | "interrupted" | "done", timeout = 180_000) {
      await expect(page.locator("header").getByText(status, { exact: true })).toBeVisible({ timeout });
    },
    /** What the menu saves. */
    async save(kind: "Markdown" | "CSV"): Promise<string> {
      await page.getByRole("button", { name: "More about this comparison" }).click();
      const saved = page.waitForEvent("download");
      await page.getByRole("menuitem", { name: `Save as ${kind}` }).click();
      return readFile(await (await saved).path(), "utf8");
    },
  };
}

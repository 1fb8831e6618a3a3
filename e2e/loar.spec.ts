/** @file LoAR seen: its marks on the data and on a question, its gates over a run, a head's attention with and without. */

import type { Page } from "@playwright/test";
import { newMethod } from "../src/core/adaptation";
import { newRecipe } from "../src/core/recipe";
import { expectAccessible } from "./expectAccessible";
import { datasetsPage } from "./pages/datasetsPage";
import { playgroundPage } from "./pages/playgroundPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

const steps = 6;
const { optimizer, evaluation } = newRecipe();
const recipe = newShortRecipe(steps, {
  name: "loar",
  adaptation: [newMethod("loar"), newMethod("lora")],
  optimizer: { ...optimizer, learningRate: 1e-2 },
  evaluation: { ...evaluation, every: steps, rows: 2, lossRows: 4, samples: 1, maxTokens: 24 },
});
const question = "Tom has 3 apples and buys 4 more. How many apples does Tom have?";

/** The words that are underlined, as they stand in the region. */
const marksIn = async (page: Page, region: RegExp) =>
  (await page.getByRole("region", { name: region }).locator("mark").allTextContents()).map((text) => text.trim());

async function expectMarks(page: Page, region: RegExp, some: RegExp) {
  await expect.poll(() => marksIn(page, region)).toContainEqual(expect.stringMatching(some));
}

test("the data shows which tokens carry logic, under any profile", async ({ page }) => {
  const datasets = datasetsPage(page);
  await datasets.open();
  await shell(page).expectEngine(/WASM/);
  await expect(datasets.tokens).toContainText(/\w/);
  expect(await marksIn(page, /as tokens$/)).toEqual([]);
  const mask = page.getByRole("button", { name: "Logic mask", exact: false }).last();
  await mask.click();
  await page.getByRole("option", { name: "maths" }).click();
  await expectMarks(page, /as tokens$/, /^\d/);
  const underMaths = await marksIn(page, /as tokens$/);
  await mask.click();
  await page.getByRole("option", { name: "code" }).click();
  await expect.poll(() => marksIn(page, /as tokens$/)).not.toEqual(underMaths);
  await mask.click();
  await page.getByRole("option", { name: "off" }).click();
  await expect.poll(() => marksIn(page, /as tokens$/)).toEqual([]);
  await expectAccessible(page, "Datasets under a logic mask");
});

test("LoAR is seen from its data to its attention", async ({ page }) => {
  const studio = studioPage(page);
  await studio.open(recipe);
  await shell(page).expectEngine(/WASM/);
  await expectMarks(page, /^Row [\d,]+/, /^\d/);
  await expect(studio.card("Data").getByText("carries logic")).toBeVisible();

  const run = await studio.train();
  await run.waitForStatus("done");
  const gates = page.getByRole("figure", { name: "Gates by layer and head" });
  const cells = gates.getByRole("slider");
  await expect(cells).toHaveAttribute(
    "aria-valuetext",
    new RegExp(`^layer 0, head 0, step ${steps}, gate [\\d.]+, λ `),
  );
  await cells.focus();
  await page.keyboard.press("Home");
  await expect(cells).toHaveAttribute("aria-valuetext", "layer 0, head 0, step 0, gate 1, λ 0");
  await page.keyboard.press("ArrowDown");
  await expect(cells).toHaveAttribute("aria-valuetext", /^layer 0, head 1, step 0/);
  await expect(gates.getByText(/^At step 6: mean/)).toBeVisible();
  const saved = await run.saveCurves("Gates by layer and head");
  const heads = Object.entries(saved).filter(([name]) => name.startsWith("gate/"));
  expect(heads.length).toBeGreaterThan(8);
  for (const [name, values] of heads) expect([...values.keys()], name).toEqual([0, steps]);
  expect(heads.every(([, values]) => values.get(0) === 1)).toBe(true);
  expect(heads.some(([, values]) => Math.abs((values.get(steps) ?? 1) - 1) > 1e-4)).toBe(true);
  await gates.getByRole("radio", { name: "λ" }).click();
  const lambdas = page.getByRole("figure", { name: "λ by layer and head" });
  await lambdas.getByRole("button", { name: /save or show as table/ }).click();
  await page.getByRole("menuitem", { name: "Show as table" }).click();
  await expect(lambdas.getByRole("row")).toHaveCount(heads.length + 1);
  await expectAccessible(page, "a run with LoAR");

  await run.talk.click();
  const playground = playgroundPage(page);
  await playground.question.fill(question);
  await expectMarks(page, /^The question as tokens/, /^3/);
  await playground.askFor(question, 2);
  await page.getByText("Attention", { exact: true }).click();
  const tuned = page.getByRole("figure", { name: "Tuned" });
  const rows = tuned.getByRole("slider");
  await expect(rows).toHaveAttribute("aria-valuetext", /looks at “.+” [\d.]+ ?%/, { timeout: 20_000 });
  const last = Number(/token (\d+)/.exec((await rows.getAttribute("aria-valuetext")) ?? "")?.[1]);
  await rows.focus();
  await page.keyboard.press("ArrowUp");
  await expect(rows).toHaveAttribute("aria-valuetext", new RegExp(`token ${last - 1},`));
  await expect(page.getByRole("figure", { name: "Base" }).getByRole("slider")).toHaveAttribute(
    "aria-valuetext",
    new RegExp(`token ${last - 1},`),
  );
  expect(await tuned.locator("mark").count()).toBeGreaterThan(0);
  await page.getByRole("radio", { name: "Difference" }).click();
  await expect(page.getByRole("figure", { name: "Tuned − base" })).toBeVisible();
  await expectAccessible(page, "attention in the playground");
});

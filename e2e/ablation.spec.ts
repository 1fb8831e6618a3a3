/** @file Comparing methods: two variants by two seeds, over a reload; a run that fails; a pause; what is shown and saved. */

import { expectAccessible } from "./expectAccessible";
import { ablationPage } from "./pages/ablationPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

test.setTimeout(300_000);

const recipe = newShortRecipe(2, {
  evaluation: { every: 2, rows: 4, lossRows: 4, maxTokens: 24, samples: 1, patience: 0 },
  checkpoints: { every: 1 },
});

test("two variants by two seeds go on over a reload to a table with intervals", async ({ page }) => {
  const [studio, compare] = [studioPage(page), ablationPage(page)];
  await studio.open(recipe);
  await shell(page).expectEngine(/WASM/);
  await page.getByRole("button", { name: "Recipe", exact: true }).click();
  await page.getByRole("menuitem", { name: /^Compare methods/ }).click();
  await compare.remove("loar+lora");
  await compare.remove("base");
  await compare.add("rola");
  await expect(page.getByRole("alert")).toContainText("rola is no method");
  await compare.word.fill("");
  await compare.setSeeds(2);
  await compare.setFinalRows(8);
  await expectAccessible(page, "a new comparison");
  await expect(compare.create).toHaveText("Compare 4 runs");
  await compare.create.click();
  await expect(shell(page).title).toHaveText("short · LoAR on and off");
  await expect(compare.results).toBeVisible();
  await compare.expectCell("lora", 1, "done");
  await compare.expectCell("loar", 1, "training");
  await page.reload();
  await compare.expectCell("lora", 1, "done");
  await compare.waitForStatus("done");
  for (const variant of ["lora", "loar"]) for (const seed of [1, 2]) await compare.expectCell(variant, seed, "done");
  await expect(compare.row("lora")).toContainText("8 × 2");
  await expect(compare.row("loar")).toContainText(/[+−]\d+\.\d/);
  await expect(compare.row("loar")).toContainText("of the base");
  await expect(compare.chart).toBeVisible();
  await expect(compare.chart.getByRole("img")).toBeVisible();
  await expectAccessible(page, "a comparison that is done");
  const csv = (await compare.save("CSV")).trim().split("\n");
  expect(csv).toHaveLength(3);
  expect(csv[1]).toMatch(/^lora,1 2,8,/);
  expect(await compare.save("Markdown")).toContain("| loar | 2 | 8 |");
  // each is an ordinary run, and there are no more of them than cells
  await shell(page).goTo("Runs");
  await expect(page.getByRole("table", { name: "All runs" }).getByRole("row")).toHaveCount(5);
  await page.getByRole("link", { name: "short · LoAR on and off · loar · 2" }).click();
  await expect(shell(page).title).toHaveText("Run · short · LoAR on and off · loar · 2");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/compare");
  await expect(page.getByRole("link", { name: "short · LoAR on and off" })).toBeVisible();
  await expectAccessible(page, "all comparisons, narrow");
});

test("a run that fails is shown with its error and leaves the others; cells are left out; a stop rests", async ({
  page,
}) => {
  const [studio, compare] = [studioPage(page), ablationPage(page)];
  await studio.open({ ...recipe, schedule: { ...recipe.schedule, steps: 40 } });
  await shell(page).expectEngine(/WASM/);
  await page.goto("/compare");
  await expect(page.getByText("No comparison yet")).toBeVisible();
  await page.getByRole("button", { name: "New comparison" }).click();
  for (const variant of ["loar", "loar+lora", "base"]) await compare.remove(variant);
  await compare.add("last:99");
  await compare.setSeeds(2);
  await compare.create.click();
  await compare.chooseOfCell("last:99", 2, "Leave it out");
  await compare.expectCell("last:99", 2, "left out");
  await compare.expectCell("lora", 1, "training");
  await compare.stop.click();
  await compare.waitForStatus("stopped");
  await compare.expectCell("lora", 1, "stopped");
  await compare.goOn.click();
  await compare.expectCell("lora", 1, "done");
  await compare.expectCell("last:99", 1, "failed");
  await expect(compare.failures).toContainText("The model has 6 layers, not 99");
  await compare.expectCell("lora", 2, "training");
  await compare.pause.click();
  await compare.waitForStatus("paused");
  await compare.expectCell("lora", 2, "paused");
  await compare.goOn.click();
  await compare.waitForStatus("done");
  await expect(page.locator("header").getByText("1 run failed")).toBeVisible();
  await compare.expectCell("lora", 2, "done");
  await expectAccessible(page, "a comparison with a failed run");
});

test.describe("dark", () => {
  test.use({ settings: { theme: "dark", backend: "wasm" } });
  test("an empty comparison page and a new one are accessible", async ({ page }) => {
    await page.goto("/runs");
    await shell(page).expectEngine(/WASM/);
    await page.goto("/compare");
    await expect(page.getByText("No comparison yet")).toBeVisible();
    await expectAccessible(page, "no comparison, dark");
    await page.getByRole("button", { name: "New comparison" }).click();
    await expect(ablationPage(page).variants).toBeVisible();
    await expectAccessible(page, "a new comparison, dark");
  });
});

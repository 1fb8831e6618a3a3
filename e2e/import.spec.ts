/** @file GSM8K's own file: imported in a few seconds, browsed, trained on. */

import { datasetsPage } from "./pages/datasetsPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { sharedFile } from "./shared";
import { expect, test } from "./test";

test("GSM8K's train.jsonl is imported in under 5 s, and a run on it takes steps", async ({ page }) => {
  test.setTimeout(180_000);
  const file = sharedFile("data/gsm8k/train.jsonl");
  const datasets = datasetsPage(page);
  await datasets.open();
  await shell(page).expectEngine(/WASM/);

  await datasets.pick(file);
  await expect(datasets.dialog).toContainText("GSM8K");
  await expect(datasets.preview).toContainText("Natalia sold clips");
  const started = Date.now();
  await datasets.import.click();
  await datasets.expectImported("train", "7,473");
  const seconds = (Date.now() - started) / 1000;
  expect(seconds, "seconds from Import to the rows in view").toBeLessThan(5);

  await test.step("the last of the rows is a key away", async () => {
    await datasets.rows("train").focus();
    await page.keyboard.press("End");
    await expect(datasets.rows("train").getByRole("row", { selected: true })).toContainText("7,473");
  });

  await test.step("a run on it starts, and says what its accuracy is", async () => {
    const source = new URL(page.url()).pathname.split("/").at(-1) ?? "";
    const quick = newShortRecipe(6);
    const studio = studioPage(page);
    await studio.open({
      ...quick,
      data: { ...quick.data, source: decodeURIComponent(source) },
      batching: { ...quick.batching, rows: 2 },
      evaluation: { ...quick.evaluation, rows: 2, lossRows: 4, every: 6, maxTokens: 32 },
    });
    await shell(page).expectEngine(/WASM/);
    const run = await studio.train();
    await run.waitForStatus("done", 120_000);
    expect([...((await run.saveCurves("Loss"))["train/loss"]?.keys() ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await run.saveCurves("Accuracy"))["gsm8k/strict"]?.has(0)).toBe(true);
  });
});

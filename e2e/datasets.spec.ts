/** @file The Datasets page: the embedded rows, an import by drop, another mapping, deletion. */

import { expectAccessible } from "./expectAccessible";
import { datasetsPage, textFile } from "./pages/datasetsPage";
import { shell } from "./pages/shell";
import { expect, test } from "./test";

const capitals = Array.from({ length: 40 }, (_, i) =>
  JSON.stringify({ instruction: `Say the number ${i}`, input: "", output: `It is ${i}.`, note: "n" }),
).join("\n");

for (const theme of ["light", "dark"] as const) {
  test.describe(theme, () => {
    test.use({ settings: { theme, backend: "wasm" } });
    test("rows, tokens and the import dialog are accessible", async ({ page }) => {
      const datasets = datasetsPage(page);
      await datasets.open();
      await shell(page).expectEngine(/WASM/);
      await expect(datasets.tokens).toContainText("Question:", { timeout: 20_000 });
      await expectAccessible(page, `Datasets, ${theme}`);
      await datasets.pick(textFile("numbers.jsonl", capitals));
      await expect(datasets.preview).toContainText("Say the number 0");
      await expectAccessible(page, `Import, ${theme}`);
    });
  });
}

test("a dropped file is recognised, mapped anew, imported, browsed and deleted", async ({ page }) => {
  const datasets = datasetsPage(page);
  await page.goto("/runs");
  await shell(page).expectEngine(/WASM/);
  await datasets.drop({ name: "numbers.jsonl", text: capitals });
  await expect(datasets.dialog).toContainText("Alpaca");
  await expect(datasets.preview).toContainText("It is 0.");
  await datasets.dialog.getByRole("button", { name: /Completion/ }).click();
  await page.getByRole("option", { name: "note" }).click();
  await expect(datasets.preview).not.toContainText("It is 0.");
  await datasets.dialog.getByRole("button", { name: /Completion/ }).click();
  await page.getByRole("option", { name: "output" }).click();
  await expect(datasets.preview).toContainText("It is 0.");
  await datasets.import.click();
  await datasets.expectImported("numbers", "40");

  const rows = datasets.rows("numbers");
  await rows.focus();
  await page.keyboard.press("End");
  await expect(rows.getByRole("row", { selected: true })).toContainText("Say the number 39");
  await expect(datasets.tokens).toContainText("39", { timeout: 20_000 });

  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("alertdialog").or(page.getByRole("dialog")).getByRole("button", { name: "Delete" }).click();
  await expect(datasets.list.getByRole("link")).toHaveCount(1);
});

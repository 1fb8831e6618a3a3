/** @file The Datasets page: the embedded rows, an import by drop, another mapping, preferences, deletion. */

import { readFile } from "node:fs/promises";
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

const preferences = Array.from({ length: 12 }, (_, i) =>
  JSON.stringify({
    chosen: [
      { role: "user", content: `What is ${i} + 1?` },
      { role: "assistant", content: `It is ${i + 1}, of course.` },
    ],
    rejected: [
      { role: "user", content: `What is ${i} + 1?` },
      { role: "assistant", content: `It is ${i + 2}, of course.` },
    ],
  }),
).join("\n");

test("preferences come in, both answers stand side by side, and leave in TRL's form", async ({ page }) => {
  const datasets = datasetsPage(page);
  await datasets.open();
  await shell(page).expectEngine(/WASM/);
  await datasets.pick(textFile("pairs.jsonl", preferences));
  await expect(datasets.dialog.getByRole("button", { name: /Chosen answer/ })).toContainText("chosen");
  await expect(datasets.dialog.getByRole("button", { name: /Rejected answer/ })).toContainText("rejected");
  await expect(datasets.preview).toContainText("What is 0 + 1?");
  await expect(datasets.preview).toContainText("It is 1, of course.");
  await expect(datasets.preview).toContainText("It is 2, of course.");
  await expectAccessible(page, "Import of preferences");
  // both answers from one column: they are the same, and every row says so
  await datasets.dialog.getByRole("button", { name: /Rejected answer/ }).click();
  await page.getByRole("option", { name: "chosen" }).click();
  await expect(datasets.preview).toContainText("Cannot be used");
  await datasets.dialog.getByRole("button", { name: /Rejected answer/ }).click();
  await page.getByRole("option", { name: "rejected" }).click();
  await datasets.import.click();
  await datasets.expectImported("pairs", "12");

  const row = datasets.judged;
  await expect(row).toContainText("What is 0 + 1?", { timeout: 20_000 });
  const [chosen, rejected] = [
    row.getByRole("region", { name: "Chosen" }),
    row.getByRole("region", { name: "Rejected" }),
  ];
  await expect(chosen.locator("mark")).toHaveText(["1"]);
  await expect(rejected.locator("mark")).toHaveText(["2"]);
  const place = async () => [await chosen.boundingBox(), await rejected.boundingBox()];
  const [left, right] = await place();
  expect(right?.x).toBeGreaterThan((left?.x ?? 0) + (left?.width ?? 0) - 1);
  await expectAccessible(page, "A preference row");
  await page.setViewportSize({ width: 390, height: 844 });
  const [above, below] = await place();
  expect(below?.y).toBeGreaterThan((above?.y ?? 0) + (above?.height ?? 0) - 1);
  await page.setViewportSize({ width: 1440, height: 900 });

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save as JSONL" }).click();
  const saved = await download;
  expect(saved.suggestedFilename()).toBe("pairs.jsonl");
  const [first] = (await readFile(await saved.path(), "utf8")).split("\n");
  expect(JSON.parse(first ?? "")).toEqual({
    prompt: "What is 0 + 1?",
    chosen: "It is 1, of course.",
    rejected: "It is 2, of course.",
  });
});

test("labelled answers come in, and the row says how it is labelled", async ({ page }) => {
  const datasets = datasetsPage(page);
  const rows = Array.from({ length: 4 }, (_, i) =>
    JSON.stringify({ prompt: `Say ${i}`, completion: `${i}!`, label: i % 2 === 0 }),
  );
  await datasets.open();
  await shell(page).expectEngine(/WASM/);
  await datasets.pick(
    textFile("thumbs.jsonl", [...rows, `{"prompt":"p","completion":"c","label":"maybe"}`].join("\n")),
  );
  await expect(datasets.dialog).toContainText("Unpaired (KTO)");
  await expect(datasets.preview).toContainText("those labelled good: 2 of the first 5");
  await expect(datasets.preview).toContainText("neither true nor false");
  await datasets.import.click();
  await datasets.dialog.getByRole("button", { name: /^Skip/ }).click();
  await datasets.expectImported("thumbs", "4");
  await expect(datasets.judged).toContainText("labelled good", { timeout: 20_000 });
  await datasets.rows("thumbs").focus();
  await page.keyboard.press("ArrowDown");
  await expect(datasets.judged).toContainText("labelled bad", { timeout: 20_000 });
});

test("where the final answer begins is seen, marked by click, key and drag, kept, exported and taken back", async ({
  page,
}) => {
  const datasets = datasetsPage(page);
  const rows = Array.from({ length: 12 }, (_, i) =>
    JSON.stringify({ question: `What is ${i} + 1?`, answer: `${i}+1 is ${i + 1}\nThat is all\n#### ${i + 1}` }),
  );
  await datasets.open();
  await shell(page).expectEngine(/WASM/);
  await page.getByText("Steps and final answer").click();
  await expect(page.getByText("The embedded rows stay as they are")).toBeVisible();
  await datasets.pick(textFile("solved.jsonl", rows.join("\n")));
  await datasets.import.click();
  await datasets.expectImported("solved", "12");
  await page.getByText("Steps and final answer").click();
  const bar = page.getByRole("slider", { name: "Where the final answer begins" });
  await expect(bar).toHaveAttribute("aria-valuetext", /^before #### 1/, { timeout: 20_000 });
  await expect(page.getByText("Found by ####")).toBeVisible();
  await expectAccessible(page, "Parts of a solution");

  const token = (text: string) => datasets.tokens.locator("[data-token]", { hasText: text }).first();
  await token("all").click();
  await expect(bar).toHaveAttribute("aria-valuetext", /^before  ?all/);
  await expect(page.getByText("Marked by hand")).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "final_start" })).toBeVisible();
  await bar.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(bar).not.toHaveAttribute("aria-valuetext", /^before  ?all/);
  await page.keyboard.press("Home");
  await expect(bar).toHaveAttribute("aria-valuenow", "0");
  await expect(page.getByRole("gridcell", { name: "0", exact: true })).toBeVisible();

  // Row 2 is dragged, and both marks are there after a reload.
  await datasets.rows("solved").focus();
  await page.keyboard.press("ArrowDown");
  await expect(bar).toHaveAttribute("aria-valuetext", /^before #### 2/, { timeout: 20_000 });
  const [from, to] = [await bar.boundingBox(), await token("all").boundingBox()];
  await page.mouse.move((from?.x ?? 0) + 5, (from?.y ?? 0) + 8);
  await page.mouse.down();
  await page.mouse.move((to?.x ?? 0) + 1, (to?.y ?? 0) + 8, { steps: 4 });
  await page.mouse.up();
  await expect(bar).toHaveAttribute("aria-valuetext", /^before  ?all/);
  await expect(page.getByText("Marked by hand")).toBeVisible();
  await page.reload();
  await page.getByText("Steps and final answer").click();
  await expect(bar).toHaveAttribute("aria-valuenow", "0", { timeout: 20_000 });

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save as JSONL" }).click();
  const saved = (await readFile(await (await download).path(), "utf8")).trimEnd().split("\n");
  const marks = saved.map((line) => (JSON.parse(line) as { final_start?: number }).final_start);
  expect(marks.slice(0, 2)).toEqual([0, expect.any(Number)]);
  expect(marks.slice(2)).toEqual(Array.from({ length: 10 }, () => undefined));
  await page.getByRole("button", { name: "As the text says" }).click();
  await expect(bar).toHaveAttribute("aria-valuetext", /^before #### 1/);

  // The studio's card says what each part counts.
  await datasets.use.click();
  await page.getByRole("button", { name: /^Advanced/ }).click();
  await page.getByRole("switch", { name: "Weight of the steps" }).press("Space");
  await expect(page.getByText("steps · w = 0.5")).toBeVisible();
  await expect(page.getByText("final answer · 1 − w = 0.5")).toBeVisible();
});

test("the column of spans is seen, taken away and chosen again; one that holds none is refused", async ({ page }) => {
  const datasets = datasetsPage(page);
  const rows = [0, 1, 2].map((i) =>
    JSON.stringify({ question: `Add ${i} and 1`, answer: `#### ${i + 1}`, spans: [[4, 5]], note: "n" }),
  );
  await datasets.open();
  await shell(page).expectEngine(/WASM/);
  await datasets.pick(textFile("spans.jsonl", rows.join("\n")));
  const spans = datasets.dialog.getByRole("button", { name: /Spans that carry logic/ });
  const choose = async (column: string) => {
    await spans.click();
    await page.getByRole("option", { name: column, exact: true }).click();
    await expect(spans).toContainText(column);
  };
  await expect(spans).toContainText("spans");
  await choose("note");
  await expect(datasets.preview).toContainText('The column "note" is not a list of spans');
  await choose("nothing");
  await expect(datasets.preview).not.toContainText("Cannot be used");
  await choose("spans");
  await expect(datasets.preview).toContainText("Add 0 and 1");
  await expect(datasets.preview).not.toContainText("Cannot be used");
});

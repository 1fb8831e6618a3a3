/** @file Wrong files: each gets a clear message that names the place, and the page goes on working. */

import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { datasetsPage, type Source, textFile } from "./pages/datasetsPage";
import { shell } from "./pages/shell";
import { expect, test } from "./test";

const good = (i: number) => JSON.stringify({ question: `What is ${i} + 1?`, answer: `It is ${i + 1}\n#### ${i + 1}` });
const lines = (...list: string[]) => `${list.join("\n")}\n`;

/** Refused at the first look: what is wrong, and the words that name the place. */
const refused: [what: string, file: Source, place: RegExp][] = [
  [
    "a binary file",
    { name: "rows.jsonl", mimeType: "", buffer: Buffer.from([1, 2, 3, 0, 200, 201, 0, 7, 9, 0, 255]) },
    /"rows\.jsonl" is not text: byte 4/,
  ],
  ["an image", { name: "rows.csv", mimeType: "", buffer: Buffer.from("89504e470d0a1a0a", "hex") }, /a PNG image/],
  ["truncated JSON", textFile("rows.json", `[\n${good(1)},\n{"question": "cut o`), /line 3, byte \d+/],
  ["an empty file", textFile("rows.jsonl", ""), /"rows\.jsonl" is empty: it has 0 bytes/],
];

/** Some lines are bad: they are listed, and may be skipped. */
const flawed: [what: string, file: Source, bad: RegExp[], rows: string][] = [
  [
    "JSONL with bad lines",
    textFile("rows.jsonl", lines(good(1), good(2), "{not json}", good(3), '{"question": 7}', good(4))),
    [/^3\D/, /^5\D/],
    "4",
  ],
  [
    "CSV with ragged rows",
    textFile("rows.csv", lines("question,answer", "a,b", "c,d,e", "f", "g,h")),
    [/^3\D/, /^4\D/],
    "2",
  ],
];

test("wrong files are refused with the place named, and the next import works", async ({ page }) => {
  const datasets = datasetsPage(page);
  await datasets.open();
  await shell(page).expectEngine(/WASM/);
  for (const [what, file, place] of refused) {
    await test.step(what, async () => {
      await datasets.pick(file);
      await expect(datasets.failure).toContainText(place);
      await datasets.cancel();
    });
  }
  await datasets.pick(textFile("fine.jsonl", lines(good(1), good(2), good(3))));
  await datasets.import.click();
  await datasets.expectImported("fine", "3");
});

for (const [what, file, bad, rows] of flawed) {
  test(`${what}: listed with line and reason, nothing stored until they are skipped`, async ({ page }) => {
    const datasets = datasetsPage(page);
    await datasets.open();
    await shell(page).expectEngine(/WASM/);
    await datasets.pick(file);
    await datasets.import.click();
    await expect(datasets.dialog).toContainText(`${bad.length} lines cannot be used`);
    const listed = datasets.dialog.getByRole("table").or(datasets.dialog.getByRole("grid")).getByRole("row");
    await expect(listed).toHaveCount(bad.length + 1);
    for (const [i, line] of bad.entries()) await expect(listed.nth(i + 1)).toHaveText(line);
    await expect(datasets.list.getByRole("link")).toHaveCount(1);
    await datasets.dialog.getByRole("button", { name: /^Skip these/ }).click();
    await datasets.expectImported("rows", rows);
  });
}

test("200 MB of one line: refused in seconds, and the page stays fluid", async ({ page }) => {
  const file = path.join(tmpdir(), `anneal-one-line-${process.pid}.jsonl`);
  const handle = await open(file, "w");
  const piece = Buffer.alloc(2 ** 20, "a");
  await handle.write('{"question": "');
  for (let i = 0; i < 200; i++) await handle.write(piece);
  await handle.close();
  try {
    const datasets = datasetsPage(page);
    await datasets.open();
    await shell(page).expectEngine(/WASM/);
    await page.evaluate(() => {
      const blocked = { longest: 0 };
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) blocked.longest = Math.max(blocked.longest, duration);
      }).observe({ type: "longtask" });
      Object.assign(globalThis, { blocked });
    });
    await datasets.pick(file);
    await expect(datasets.failure).toContainText(/line 1\b|in its first \d+ bytes/i, { timeout: 20_000 });
    await datasets.cancel();
    const longest = await page.evaluate(
      () => (globalThis as unknown as { blocked: { longest: number } }).blocked.longest,
    );
    expect(longest, "longest task on the page, ms").toBeLessThan(250);
    await datasets.pick(textFile("fine.jsonl", lines(good(1), good(2))));
    await datasets.import.click();
    await datasets.expectImported("fine", "2");
  } finally {
    await rm(file);
  }
});

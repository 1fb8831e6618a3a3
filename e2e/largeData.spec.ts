/** @file A hundred thousand rows: imported, scrolled, given up half-way, deleted with everything else. */

import { writeFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { frameCategories, frameWork } from "../bench/frames.mjs";
import { datasetsPage } from "./pages/datasetsPage";
import { shell } from "./pages/shell";
import { expect, test } from "./test";

const rows = 100_000;

async function writeRows(file: string): Promise<string> {
  const lines = Array.from(
    { length: rows },
    (_, i) =>
      `{"question":"What is ${i} and ${i}, taken together?","answer":"It is <<${i}+${i}=${2 * i}>>.\\n#### ${2 * i}"}`,
  );
  await writeFile(file, lines.join("\n"));
  return file;
}

/** Entries of the studio's database, store by store. */
const countRecords = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<Record<string, number>>((resolve, reject) => {
        const opening = indexedDB.open("anneal");
        opening.onerror = () => reject(opening.error ?? new Error("not opened"));
        opening.onsuccess = () => {
          const counts: Record<string, number> = {};
          const db = opening.result;
          if (db.objectStoreNames.length === 0) resolve(counts);
          const tx = db.transaction([...db.objectStoreNames]);
          for (const name of db.objectStoreNames) {
            const request = tx.objectStore(name).count();
            request.onsuccess = () => {
              counts[name] = request.result;
            };
          }
          tx.oncomplete = () => {
            db.close();
            resolve(counts);
          };
        };
      }),
  );

test("100,000 rows scroll smoothly, an import given up leaves nothing, and all can be deleted", async ({
  page,
  browser,
}, info) => {
  test.setTimeout(120_000);
  const file = await writeRows(info.outputPath("hundred-thousand.jsonl"));
  const datasets = datasetsPage(page);
  await datasets.open();
  await shell(page).expectEngine(/WASM/);

  await test.step("given up half-way, it leaves nothing", async () => {
    await datasets.pick(file);
    await datasets.import.click();
    await expect(datasets.dialog.getByRole("progressbar")).toBeVisible();
    await datasets.cancel();
    await expect(datasets.list.getByRole("link")).toHaveCount(1);
    await expect.poll(() => countRecords(page)).toMatchObject({ rows: 0, datasets: 0 });
  });

  await test.step("imported", async () => {
    await datasets.pick(file);
    await datasets.import.click();
    await datasets.expectImported("hundred-thousand", "100,000", 60_000);
  });

  await test.step("scrolled", async () => {
    const table = datasets.rows("hundred-thousand");
    await table.hover();
    await browser.startTracing(page, { categories: frameCategories });
    for (let i = 0; i < 60; i++) {
      await page.mouse.wheel(0, 40 * 2 ** (i / 6));
      await page.waitForTimeout(16);
    }
    const work = frameWork(await browser.stopTracing());
    expect(work.frames).toBeGreaterThan(20);
    expect(work.longest.cpu).toBeLessThan(50);
    await table.focus();
    await page.keyboard.press("End");
    await expect(table.getByRole("row", { selected: true })).toContainText("What is 99999 and 99999");
  });

  await test.step("deleted with all else", async () => {
    await shell(page).goTo("Settings");
    await page.getByRole("button", { name: "Delete all data" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete all data" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Studio" })).toBeVisible();
    await datasets.open();
    await expect(datasets.list.getByRole("link")).toHaveCount(1);
    for (const count of Object.values(await countRecords(page))) expect(count).toBe(0);
  });
});

/** @file A few steps on WebGPU (software adapter) agree with the CPU path's losses. */

import type { Page } from "@playwright/test";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

/** Two rows a step: the software adapter takes its time. */
const quick = newShortRecipe(4, { name: "agreement" });
const recipe = {
  ...quick,
  batching: { ...quick.batching, rows: 2 },
  evaluation: { ...quick.evaluation, every: 100, rows: 0, lossRows: 0, samples: 0 },
};

async function trainOn(page: Page, backend: "webgpu" | "wasm", status: RegExp): Promise<Map<number, number>> {
  await page.addInitScript(
    (stored) => localStorage.setItem("anneal.settings", stored),
    JSON.stringify({ theme: "light", backend }),
  );
  const studio = studioPage(page);
  await studio.open(recipe);
  await shell(page).expectEngine(status);
  const run = await studio.train();
  await run.waitForStatus("done", 300_000);
  return (await run.saveCurves("Loss"))["train/loss"] ?? new Map<number, number>();
}

test("WebGPU and the CPU path see the same losses", async ({ browser, complaints }) => {
  test.setTimeout(480_000);
  const losses: Map<number, number>[] = [];
  for (const [backend, status] of [
    ["wasm", /WASM · \d+ threads/],
    ["webgpu", /WebGPU · .*\(software\)/],
  ] as const) {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    losses.push(await trainOn(page, backend, status));
    await context.close();
  }
  const [wasm, webgpu] = losses;
  expect([...(wasm?.keys() ?? [])]).toEqual([1, 2, 3, 4]);
  for (const [step, expected] of wasm ?? []) {
    const got = webgpu?.get(step) ?? Number.NaN;
    expect(
      Math.abs(got - expected) / expected,
      `step ${step}: ${got} on WebGPU, ${expected} on WASM`,
    ).toBeLessThanOrEqual(1e-3);
  }
});

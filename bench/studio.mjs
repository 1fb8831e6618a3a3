/**
 * @file The quickstart in the built studio, in Chromium, as a user does it: time until usable, to the first step and to
 * the end, the page's work per frame while training, and the accuracy curve. `node bench/studio.mjs [SEEDS]`
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { chromium } from "playwright";
import { preview } from "vite";
import { buildStudio } from "../scripts/build.mjs";
import { root } from "../scripts/bundle.mjs";
import { chromiumArguments, findChromium } from "../scripts/chromium.mjs";
import { frameCategories, frameWork, median } from "./frames.mjs";

const seeds = Number(process.argv[2] ?? 3);
const traced = 20_000;
await buildStudio();
const server = await preview({ root, logLevel: "error", preview: { port: 0, open: false } });
const address = server.resolvedUrls.local[0];
const executablePath = findChromium();
const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: chromiumArguments });

/** A browser that has never seen the studio. */
async function newVisitor() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) globalThis.longTasks.push([startTime, duration]);
    }).observe({ type: "longtask", buffered: true });
  });
  const opened = performance.now();
  await page.goto(address);
  const train = page.getByRole("button", { name: /^Train \d+ step/ });
  await train.waitFor();
  const shown = performance.now() - opened;
  await train.and(page.locator(":enabled")).waitFor();
  return { context, page, train, opened, shown, usable: performance.now() - opened };
}

async function curve(page, name) {
  await page.getByRole("button", { name: `${name}: save or show as table` }).click();
  const saved = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "Save as CSV" }).click();
  return (await readFile(await (await saved).path(), "utf8")).trim().split("\r\n");
}

/** Page work of `traced` milliseconds, from the browser's own trace. */
async function traceFrames(page) {
  await browser.startTracing(page, { categories: frameCategories });
  await page.waitForTimeout(traced);
  return frameWork(await browser.stopTracing());
}

const loads = [];
for (let i = 0; i < 5; i++) {
  const { context, shown, usable } = await newVisitor();
  loads.push({ shown, usable });
  await context.close();
}
const results = {
  shown: median(loads.map(({ shown }) => shown)),
  usable: median(loads.map(({ usable }) => usable)),
  runs: [],
};
for (let seed = 1; seed <= seeds; seed++) {
  const { context, page, train, opened } = await newVisitor();
  if (seed > 1) {
    await page.getByRole("button", { name: /^Advanced/ }).click();
    await page.getByLabel("Seed").fill(String(seed));
    await page.getByLabel("Seed").blur();
  }
  const clicked = performance.now();
  await train.click();
  const progress = page.getByText(/^step [\d,]+ of [\d,]+$/);
  const step = async () => Number(/step (\d+)/.exec((await progress.textContent()) ?? "")?.[1] ?? 0);
  await progress.waitFor();
  while ((await step()) < 1) await page.waitForTimeout(50);
  const firstStep = performance.now();
  const frames = await traceFrames(page);
  await page.locator("header").getByText("done", { exact: true }).waitFor({ timeout: 1_200_000 });
  const ended = performance.now();
  const longTasks = await page.evaluate(() => globalThis.longTasks);
  const result = {
    seed,
    openToFirstStep: (firstStep - opened) / 1000,
    clickToFirstStep: (firstStep - clicked) / 1000,
    clickToEnd: (ended - clicked) / 1000,
    frames,
    longTasks: longTasks.map(([start, duration]) => [Math.round(start) / 1000, duration]),
    accuracy: await curve(page, "Accuracy"),
  };
  results.runs.push(result);
  console.log(JSON.stringify(result, null, 1));
  mkdirSync(path.join(root, "bench/results"), { recursive: true });
  writeFileSync(path.join(root, "bench/results/studio.json"), `${JSON.stringify(results, null, 1)}\n`);
  await context.close();
}
console.log(JSON.stringify({ shown: results.shown, usable: results.usable }));
await browser.close();
await server.close();
process.exit(0);

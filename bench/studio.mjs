/**
 * @file The quickstart in the built studio, in Chromium, as a user does it: time until usable, to the first step and to
 * the end, the page's work per frame while training, the accuracy of several seeds and of the control. Figures go to
 * bench/results/studio.json, pictures to docs/pictures/. `node bench/studio.mjs [SEEDS]`
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
const folders = { results: path.join(root, "bench/results"), pictures: path.join(root, "docs/pictures") };
for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });

await buildStudio();
const server = await preview({ root, logLevel: "error", preview: { port: 0, open: false } });
const address = server.resolvedUrls.local[0];
const executablePath = findChromium();
const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: chromiumArguments });

async function newVisitor() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light" });
  const page = await context.newPage();
  await page.addInitScript(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) globalThis.longTasks.push([startTime, duration]);
    }).observe({ type: "longtask", buffered: true });
  });
  return { context, page };
}

/** Opens the studio; milliseconds until the Train button can be pressed. */
async function open(page) {
  const opened = performance.now();
  await page.goto(address);
  const train = page.getByRole("button", { name: /^Train \d+ step/ });
  await train.and(page.locator(":enabled")).waitFor();
  return { train, opened, usable: performance.now() - opened };
}

async function saveChart(page, name, what) {
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: `${name}: save or show as table` }).click();
  await page.getByRole("menuitem", { name: what }).click();
  return readFile(await (await saved).path(), "utf8");
}

async function traceFrames(page) {
  await browser.startTracing(page, { categories: frameCategories });
  await page.waitForTimeout(traced);
  return frameWork(await browser.stopTracing());
}

async function train(page, { name, seed, shuffle = false }) {
  const { train, opened } = await open(page);
  await page.getByRole("button", { name: /^Advanced/ }).click();
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.getByRole("textbox", { name: "Seed" }).fill(String(seed));
  if (shuffle) await page.getByText("Shuffle answers", { exact: true }).click();
  await page.keyboard.press("Tab");
  const clicked = performance.now();
  await train.click();
  const progress = page.getByText(/^step [\d,]+ of [\d,]+$/);
  const step = async () => Number(/step (\d+)/.exec((await progress.textContent()) ?? "")?.[1] ?? 0);
  await progress.waitFor();
  while ((await step()) < 1) await page.waitForTimeout(50);
  const firstStep = performance.now();
  while ((await step()) < 10) await page.waitForTimeout(50);
  const begun = await page.evaluate(() => performance.now());
  const frames = await traceFrames(page);
  await page.locator("header").getByText("done", { exact: true }).waitFor({ timeout: 1_200_000 });
  const seconds = (from, to) => Number(((to - from) / 1000).toFixed(1));
  const longTasks = await page.evaluate(() => globalThis.longTasks);
  return {
    name,
    openToFirstStep: seconds(opened, firstStep),
    clickToFirstStep: seconds(clicked, firstStep),
    clickToEnd: seconds(clicked, performance.now()),
    frames,
    longTasks: longTasks.filter(([start]) => start > begun).map(([, duration]) => duration),
    accuracy: (await saveChart(page, "Accuracy", "Save as CSV")).trim().split("\r\n"),
  };
}

const loads = [];
for (let i = 0; i < 5; i++) {
  const { context, page } = await newVisitor();
  loads.push((await open(page)).usable);
  await context.close();
}
const results = { usable: Math.round(median(loads)), runs: [] };
const { page } = await newVisitor();
const wanted = Array.from({ length: seeds }, (_, i) => ({ name: `seed-${i + 1}`, seed: i + 1 }));
for (const run of [...wanted, { name: "shuffled", seed: 1, shuffle: true }]) {
  const result = await train(page, run);
  results.runs.push(result);
  console.log(JSON.stringify(result, null, 1));
  writeFileSync(path.join(folders.results, "studio.json"), `${JSON.stringify(results, null, 1)}\n`);
  if (run.name === "seed-1") await page.screenshot({ path: path.join(folders.pictures, "studio.png") });
}
await page.getByRole("link", { name: "Runs" }).first().click();
const boxes = page.getByRole("checkbox", { name: /^Compare/ });
await boxes.nth(results.runs.length - 1).waitFor();
for (const box of await boxes.all()) await box.check({ force: true });
for (const [chart, file] of [
  ["Accuracy, strict", "quickstart-accuracy.svg"],
  ["Training loss, smoothed", "quickstart-loss.svg"],
]) {
  writeFileSync(path.join(folders.pictures, file), await saveChart(page, chart, "Save as SVG"));
}
await browser.close();
await server.close();
process.exit(0);

/** @file Screenshots of every page in its states: empty, busy, done, failed; light and dark, wide and narrow. */

import { writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { newLoarRecipe, newRecipe, quickstarts, type Recipe } from "../src/core/recipe";
import { newReward } from "../src/core/reward";
import { datasetsPage, textFile } from "./pages/datasetsPage";
import { exportDialog } from "./pages/exportDialog";
import { modelsPage } from "./pages/modelsPage";
import { playgroundPage } from "./pages/playgroundPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe, studioWith } from "./recipes";
import { expect, test } from "./test";

test.use({ settings: { theme: "system", backend: "wasm" } });
test.setTimeout(240_000);

const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };

/** The page as it stands, four times; it keeps its state, as theme and size change under it. */
async function shoot(page: Page, name: string) {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(150);
      await page.screenshot({ path: `shots/${name}-${size}-${colorScheme}.png`, animations: "disabled" });
    }
  }
  await page.setViewportSize(sizes.wide);
  await page.emulateMedia({ colorScheme: "light" });
}

const short = newShortRecipe(150);

test("before anything is stored", async ({ page }) => {
  const studio = studioPage(page);
  await studio.open();
  await shell(page).expectEngine(/WASM/);
  await expect(studio.card("Data")).toContainText(/held out/, { timeout: 30_000 });
  await shoot(page, "studio");
  await studio.advanced.click();
  await shoot(page, "studio-advanced");
  for (const place of ["Models", "Datasets", "Runs", "Playground", "Settings"] as const) {
    await shell(page).goTo(place);
    await page.waitForTimeout(1000);
    await shoot(page, `${place.toLowerCase()}-empty`);
  }
  await page.goto("/nowhere");
  await shoot(page, "not-found");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeVisible();
  await shoot(page, "palette");
});

test("what a run learns from", async ({ page }) => {
  const studio = studioPage(page);
  await studio.open();
  await shell(page).expectEngine(/WASM/);
  const goals = page.getByRole("region", { name: "What it learns from" });
  const rewards = page.getByRole("region", { name: "Rewards" });
  const choose = async (kind: string) => {
    await goals.getByText(kind, { exact: true }).click();
    await goals.scrollIntoViewIfNeeded();
  };
  await choose("Rewards: GRPO");
  await expect(rewards.getByRole("table")).toContainText("The data's own answer", { timeout: 60_000 });
  await shoot(page, "studio-grpo");
  await rewards.getByRole("button", { name: "Add a reward" }).click();
  await page.getByRole("menuitem", { name: "Own function" }).click();
  await rewards.getByRole("textbox", { name: "Function" }).fill("function reward() {\n  return nothing;\n}");
  await expect(rewards.getByRole("alert").first()).toBeVisible({ timeout: 60_000 });
  await shoot(page, "studio-own-reward");
  await choose("Preferences");
  await shoot(page, "studio-dpo");
  await choose("Rewards: PPO");
  await goals.getByRole("switch", { name: "Replay" }).press("Space");
  await studio.advanced.click();
  await page.getByText("Entropy bonus").scrollIntoViewIfNeeded();
  await shoot(page, "studio-ppo-advanced");
  const datasets = datasetsPage(page);
  await datasets.open();
  const pair = (i: number) => `{"prompt":"What is ${i} + ${i}?","chosen":"${2 * i}.","rejected":"Many, I say: ${i}."}`;
  await datasets.pick(textFile("pairs.jsonl", Array.from({ length: 60 }, (_, i) => pair(i)).join("\n")));
  await datasets.import.click();
  await datasets.expectImported("pairs", "60");
  await page.getByRole("button", { name: "Train on it" }).click();
  await choose("A reward model");
  await goals.getByRole("button", { name: "Add a dimension" }).click();
  await shoot(page, "studio-reward-model");
});

/** A quickstart of rewards, cut to what two cores do in a minute. */
function newShortRewards(name: "grpo-quickstart" | "ppo-quickstart" | "dpo-quickstart", steps: number): Recipe {
  const recipe = quickstarts[name]();
  const { objective } = recipe;
  const few = {
    completions: 4,
    sampling: { temperature: { start: 1, end: 1 }, topK: 0, topP: 1, minP: 0, maxTokens: 40, stop: [] },
  };
  if (objective.kind === "dpo" && objective.sampled) Object.assign(objective.sampled, few, { pairs: 12 });
  else Object.assign(objective, few, { prompts: 4 });
  return {
    ...recipe,
    sftFirst: { rows: 120, steps: 80, learningRate: 2e-3 },
    batching: { ...recipe.batching, rows: 8 },
    schedule: { kind: "constant", steps, warmupSteps: 2 },
    evaluation: { ...recipe.evaluation, every: 12, rows: 8, lossRows: 8, samples: 2, maxTokens: 40 },
  };
}

for (const [name, steps] of [
  ["ppo-quickstart", 12],
  ["dpo-quickstart", 12],
] as const) {
  test(`the figures of ${name}`, async ({ page }) => {
    const studio = studioPage(page);
    await page.goto(await studioWith(newShortRewards(name, steps)));
    await shell(page).expectEngine(/WASM/);
    const run = await studio.train();
    await run.waitForStatus("done");
    await page.waitForTimeout(1000);
    await shoot(page, name);
    await page
      .getByRole("figure", { name: name === "ppo-quickstart" ? "Explained variance" : "Log-probabilities" })
      .scrollIntoViewIfNeeded();
    await shoot(page, `${name}-below`);
  });
}

test("a reward that fails, and the run that waits for it", async ({ page }) => {
  const studio = studioPage(page);
  const recipe = newShortRewards("grpo-quickstart", 6);
  const code =
    "let rated = 0;\nfunction reward({ completion }) {\n  if (++rated > 20) return completion.size();\n  return completion.length / 100;\n}\n";
  if (recipe.objective.kind === "grpo")
    recipe.objective.rewards.push(newReward("own", { name: "long", weight: 0.2, code }));
  await page.goto(await studioWith({ ...recipe, sftFirst: { rows: 120, steps: 4, learningRate: 2e-3 } }));
  await shell(page).expectEngine(/WASM/);
  const run = await studio.train();
  await run.waitForStatus("paused");
  const mend = page.getByRole("region", { name: "Mend the reward" });
  await expect(mend.getByRole("row", { name: /The answer it failed on/ })).toBeVisible({ timeout: 60_000 });
  await shoot(page, "run-mend");
  await mend.getByRole("textbox", { name: "long" }).fill(code.replace("size()", "length"));
  await page.waitForTimeout(1500);
  await mend.getByRole("button", { name: "Resume with this code" }).click();
  await run.waitForStatus("done");
  await page.waitForTimeout(1000);
  await shoot(page, "run-mended");
  await page.getByRole("button", { name: "Groups", exact: true }).click();
  await expect(page.getByRole("article", { name: "Group 1" })).toBeVisible();
  await shoot(page, "run-mended-groups");
  await page.goBack();
  await page.getByRole("button", { name: "Go on with rewards from this run" }).click();
  await page.getByRole("region", { name: "What it begins as" }).scrollIntoViewIfNeeded();
  await shoot(page, "studio-begins");
});

test("an import", async ({ page }) => {
  const datasets = datasetsPage(page);
  await datasets.open();
  await shell(page).expectEngine(/WASM/);
  const row = (i: number) => `{"question":"What is ${i} + ${i}?","answer":"<<${i}+${i}=${2 * i}>>\\n#### ${2 * i}"}`;
  const rows = Array.from({ length: 60 }, (_, i) => (i % 20 === 7 ? `{"question": broken` : row(i)));
  await datasets.pick(textFile("doubles.jsonl", rows.join("\n")));
  await expect(datasets.preview).toBeVisible();
  await shoot(page, "import-mapping");
  await datasets.import.click();
  await expect(datasets.dialog).toContainText("cannot be used");
  await shoot(page, "import-bad-lines");
  await datasets.dialog.getByRole("button", { name: /^Skip/ }).click();
  await datasets.expectImported("doubles", "57");
  await shoot(page, "datasets-imported");
  await datasets.pick(textFile("cut.json", `[{"question": "cut`));
  await expect(datasets.failure).toBeVisible();
  await shoot(page, "import-failed");
});

test("a run, from its start to the talk about it", async ({ page }) => {
  const studio = studioPage(page);
  await studio.open(short);
  await shell(page).expectEngine(/WASM/);
  const run = await studio.train();
  await shoot(page, "run-starting");
  await run.waitForStep(12);
  await shoot(page, "run-training");
  await shell(page).goTo("Studio");
  await shoot(page, "studio-busy");
  await page.goBack();
  await run.pause.click();
  await expect(run.goOn).toBeVisible({ timeout: 30_000 });
  await shoot(page, "run-paused");
  await shell(page).goTo("Settings");
  await shoot(page, "settings-busy");
  await page.goBack();
  await run.goOn.click();
  await run.waitForStatus("done");
  await shoot(page, "run-done");

  await run.talk.click();
  const playground = playgroundPage(page);
  await playground.askFor("Tom has 3 apples and buys 4 more. How many apples does Tom have?", 2);
  await shoot(page, "playground");

  await studio.open({ ...short, name: "other", seed: 2, schedule: { ...short.schedule, steps: 12 } });
  await (await studio.train()).waitForStatus("done");
  await shell(page).goTo("Runs");
  await shoot(page, "runs");
  for (const box of await page.getByRole("checkbox", { name: /^Compare/ }).all()) await box.check({ force: true });
  await shoot(page, "runs-compared");
});

test("what fails", async ({ page, complaints }) => {
  const studio = studioPage(page);
  await page.goto("/#recipe=AAAA");
  await expect(shell(page).alerts.first()).toBeVisible();
  await shoot(page, "studio-bad-link");
  const data = newRecipe().data;
  await studio.open(newShortRecipe(300, { name: "no-data", data: { ...data, source: "dataset:gone" } }));
  await expect(page.getByRole("alert").first()).toBeVisible();
  await shoot(page, "studio-no-data");

  const datasets = datasetsPage(page);
  await datasets.open();
  await shell(page).expectEngine(/WASM/);
  const row = (i: number) => `{"question":"What is ${i} + ${i}?","answer":"<<${i}+${i}=${2 * i}>>\\n#### ${2 * i}"}`;
  await datasets.pick(textFile("doubles.jsonl", Array.from({ length: 200 }, (_, i) => row(i)).join("\n")));
  await datasets.import.click();
  await datasets.expectImported("doubles", "200");
  await page.getByRole("button", { name: "Train on it" }).click();
  const run = await studio.train();
  await run.waitForStep(30);
  await run.stop.click();
  await page
    .getByRole("menuitem", { name: /keep/i })
    .or(page.getByRole("button", { name: /keep/i }))
    .first()
    .click();
  await run.waitForStatus("stopped");
  const address = page.url();
  await datasets.open();
  await page.getByRole("link", { name: /doubles/ }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).first().click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Delete/ })
    .click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.goto(address);
  await run.resume.click();
  await expect(page.locator("header").getByText("failed", { exact: true })).toBeVisible({ timeout: 60_000 });
  await shoot(page, "run-failed");
  await page.route("**/engine.worker*", (route) => route.abort());
  await page.goto("/");
  await expect(shell(page).status).toContainText("Engine not running", { timeout: 20_000 });
  await shoot(page, "engine-failed");
  complaints.length = 0; // the engine that could not be loaded
});

test("adapters and exports", async ({ page }) => {
  const { batching, evaluation } = newRecipe();
  const recipe = newShortRecipe(3, {
    name: "sums",
    batching: { ...batching, rows: 4 },
    evaluation: { ...evaluation, every: 3, rows: 4, lossRows: 4, samples: 0 },
  });
  const exports = exportDialog(page);
  const adapters = modelsPage(page).adapters("Anneal base");
  for (const adaptation of [recipe.adaptation, newLoarRecipe().adaptation]) {
    const studio = studioPage(page);
    await studio.open({ ...recipe, adaptation });
    const run = await studio.train();
    await run.waitForStatus("done");
    await run.export.click();
    await expect(exports.good).toBeVisible({ timeout: 60_000 });
    await shoot(page, adaptation.length > 1 ? "export-loar" : "export-peft");
    if (adaptation.length === 1) {
      await exports.choose("Merged model, GGUF", /^Q4_0/);
      await exports.saveProved();
      await shoot(page, "export-gguf");
    }
    await exports.close();
    await shoot(page, adaptation.length > 1 ? "run-proved-loar" : "run-proved");
  }
  await shell(page).goTo("Models");
  const { bytes } = await test.step("an adapter of the library", async () => {
    await adapters
      .row("sums")
      .getByRole("button", { name: /^Export sums/ })
      .click();
    const file = await exports.saveProved();
    await exports.close();
    return file;
  });
  const zip = test.info().outputPath("from elsewhere.zip");
  writeFileSync(zip, bytes);
  await adapters.pick([zip]);
  await expect(adapters.row("from elsewhere")).toBeVisible();
  await shoot(page, "adapters");
  await modelsPage(page).drop([zip]);
  await expect(page.getByRole("dialog")).toBeVisible();
  await shoot(page, "adapters-ask");
  await page.keyboard.press("Escape");
});

/** @file Learning from rewards, from the studio's choice to the groups of a run that was left in the middle. */

import { newObjective } from "../src/core/objective";
import { newGrpoRecipe, newRecipe, type Recipe } from "../src/core/recipe";
import { newReward } from "../src/core/reward";
import { expectAccessible } from "./expectAccessible";
import { datasetsPage, textFile } from "./pages/datasetsPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

test("rewards are chosen, weighed, and tried while they are written", async ({ page }) => {
  test.setTimeout(240_000);
  const studio = studioPage(page);
  await studio.open();
  await shell(page).expectEngine(/WASM/);
  await studio.chooseObjective("Rewards: GRPO");
  await expect(studio.start).toHaveAccessibleName(/^Train 320 steps$/);
  await expect(studio.card("Train")).toContainText("32 prompts a step, 8 answers to each");
  await studio.advanced.click();
  const { name, ...quickstart } = newGrpoRecipe();
  expect(await studio.recipe()).toEqual({ ...quickstart, name: "quickstart" });
  expect(name).toBe("grpo-quickstart");

  const { rewards, objective } = studio;
  const answer = rewards.getByRole("listitem", { name: "answer", exact: true });
  const own = rewards.getByRole("listitem", { name: "own", exact: true });
  const right = rewards.getByRole("row", { name: /The data's own answer/ });
  await expect(right).toContainText("1.2", { timeout: 60_000 });
  await answer.getByRole("textbox", { name: "Weight" }).fill("1000");
  await expect(answer.getByRole("alert")).toHaveText("must be at most 100");
  await expect(studio.start).toBeDisabled();
  await answer.getByRole("textbox", { name: "Weight" }).fill("2");
  await expect(right).toContainText("2.2", { timeout: 60_000 });

  await rewards.getByRole("button", { name: "Add a reward" }).click();
  await page.getByRole("menuitem", { name: /^Own function/ }).click();
  const code = own.getByRole("textbox", { name: "Function" });
  await code.fill("function reward({ completion }) {\n  return completion.size();\n}");
  await expect(own.getByRole("alert").filter({ hasText: "Line 2" })).toBeVisible({ timeout: 60_000 });
  await expectAccessible(page, "an own reward that fails");
  await code.fill("function reward({ completion }) {\n  return completion.length > 0 ? 3 : 0;\n}");
  await expect(own.getByRole("alert").filter({ hasText: "Line 2" })).toBeHidden({ timeout: 60_000 });
  await expect(right).toContainText("5.2", { timeout: 60_000 });

  await objective.getByRole("textbox", { name: "Answers to each" }).fill("0");
  await expect(objective.getByRole("alert").filter({ hasText: "must be at least 1" })).toBeVisible();
  await objective.getByRole("textbox", { name: "Answers to each" }).fill("4");
  await studio.chooseObjective("Rewards: best-of");
  const kept = (await studio.recipe()).objective;
  expect(kept).toMatchObject({ kind: "rejection", completions: 4, rewards: [{ weight: 2 }, {}, { kind: "own" }] });
  await studio.chooseObjective("Imitation");
  const plain = await studio.recipe();
  expect(plain.sftFirst).toBeUndefined();
  expect(plain.optimizer.learningRate).toBe(2e-3);
  expect(plain.schedule).toMatchObject({ kind: "cosine", steps: 300 });
});

test("what the rows cannot teach is there, and says why", async ({ page }) => {
  test.setTimeout(240_000);
  const studio = studioPage(page);
  await studio.open();
  const { objective } = studio;
  await expect(objective.getByRole("radio", { name: /^A reward model/ })).toBeDisabled();
  await expect(objective.getByRole("radio", { name: /^Judged answers/ })).toBeDisabled();
  await expect(objective).toContainText("These rows have no rejected answer");
  await studio.chooseObjective("Preferences"); // between the model's own answers
  await expect(objective.getByRole("textbox", { name: "Pairs" })).toHaveValue("400");
  await expect(studio.rewards).toBeVisible();

  const datasets = datasetsPage(page);
  await datasets.open();
  const pair = (i: number) => `{"prompt":"What is ${i} + ${i}?","chosen":"${2 * i}.","rejected":"Many, I say: ${i}."}`;
  await datasets.pick(textFile("pairs.jsonl", Array.from({ length: 60 }, (_, i) => pair(i)).join("\n")));
  await datasets.import.click();
  await datasets.expectImported("pairs", "60");
  await page.getByRole("button", { name: "Train on it" }).click();
  await studio.chooseObjective("A reward model");
  await studio.advanced.click();
  await objective.getByRole("button", { name: "Add a dimension" }).click();
  await objective.getByRole("textbox", { name: "Dimension 2", exact: true }).fill("reward");
  await expect(objective.getByRole("alert")).toHaveText("a name is there twice");
  await objective.getByRole("textbox", { name: "Dimension 2", exact: true }).fill("brevity");
  expect((await studio.recipe()).objective).toMatchObject({ dimensions: [{ name: "reward" }, { name: "brevity" }] });
  await studio.chooseObjective("Preferences");
  expect((await studio.recipe()).objective).toEqual({ kind: "dpo", loss: "sigmoid", beta: 0.1, labelSmoothing: 0 });
  await objective.getByRole("textbox", { name: "Label smoothing" }).fill("0.1");
  await objective
    .getByRole("button", { name: /Preference loss/ })
    .last()
    .click();
  await page.getByRole("option", { name: "Hinge" }).click();
  await expect(objective.getByRole("alert")).toHaveText("goes with the sigmoid loss alone");
  await expectAccessible(page, "preferences in the studio");
});

test("the GRPO quickstart is cut short, left among its rewards, and comes to its end", async ({ page }) => {
  test.setTimeout(420_000);
  const studio = studioPage(page);
  await studio.open();
  await shell(page).expectEngine(/WASM/);
  await page.getByRole("button", { name: "Recipe", exact: true }).click();
  await page.getByRole("menuitem", { name: /^GRPO quickstart/ }).click();
  const { objective } = studio;
  const set = (name: string, value: number) =>
    objective.getByRole("textbox", { name, exact: true }).fill(String(value));
  await set("Prompts a step", 2);
  await set("Answers to each", 4);
  await set("Longest answer", 64);
  await set("Steps of imitation", 4);
  await set("Worked solutions", 40);
  await studio.card("Train").getByRole("textbox").fill("8");
  await studio.advanced.click();
  const advanced = (name: string, value: number) =>
    page.getByRole("textbox", { name, exact: true }).last().fill(String(value));
  await advanced("Rows per pass", 8);
  await advanced("Warm-up", 1);
  await advanced("Evaluate every", 4);
  await advanced("Problems", 4);
  await advanced("Loss rows", 4);
  await advanced("Samples", 2);
  await advanced("pass@k", 2);
  await advanced("Checkpoint every", 1);
  expect((await studio.recipe()).evaluation).toEqual({
    every: 4,
    rows: 4,
    lossRows: 4,
    maxTokens: 96,
    samples: 2,
    patience: 0,
    passAt: 2,
  });
  await expect(studio.start).toHaveAccessibleName("Train 12 steps");
  const run = await studio.train();
  await run.waitForStep(6);
  await page.reload();
  await expect(page.getByText(/Training goes on from the checkpoint of step \d+/)).toBeVisible({ timeout: 60_000 });
  await run.waitForStatus("done", 240_000);
  const curves = await run.saveCurves("Reward and accuracy");
  expect([...(curves["reward"]?.keys() ?? [])]).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  expect([...(curves["gsm8k/pass"]?.keys() ?? [])]).toEqual([0, 4, 8, 12]);
  await expectAccessible(page, "a run of GRPO");
  await page.getByRole("button", { name: "Groups", exact: true }).click();
  await expect(page.getByRole("table", { name: "Answers of group 2" }).locator("tbody")).toHaveCount(4);
});

const right = "function reward({ completion }) {\n  return completion.length / 100;\n}";
/** Rates three steps of eight answers, and never comes to an end of the fourth. */
const endless = `let rated = 0;\n${right.replace("return", "if (++rated > 26) for (;;);\n  return")}`;

function newOwnRecipe(code: string): Recipe {
  const { batching, evaluation } = newRecipe();
  const sampling = { temperature: { start: 1, end: 1 }, topK: 0, topP: 1, minP: 0, maxTokens: 24, stop: [] };
  const rewards = [newReward("own", { name: "long", code })];
  return newShortRecipe(6, {
    name: "own",
    objective: newObjective("grpo", { prompts: 2, completions: 4, sampling, rewards }),
    batching: { ...batching, rows: 8, mode: "bucket" },
    evaluation: { ...evaluation, every: 3, rows: 4, lossRows: 4, samples: 2, maxTokens: 24 },
    checkpoints: { every: 100 },
  });
}

test("a reward without end pauses the run; it is mended there, and the run goes on and is gone on from", async ({
  page,
}) => {
  test.setTimeout(300_000);
  const studio = studioPage(page);
  await studio.open(newOwnRecipe(endless));
  await shell(page).expectEngine(/WASM/);
  const run = await studio.train();
  await run.waitForStatus("paused");
  const mend = page.getByRole("region", { name: "Mend the reward" });
  await expect(mend).toContainText("paused after step 3, and nothing is lost");
  await expect(page.getByRole("alert").first()).toContainText("is there a loop without end?");
  await expect(mend.getByRole("row", { name: /The answer it failed on/ })).toBeVisible({ timeout: 60_000 });
  await page.reload();
  await run.waitForStatus("paused");
  await expect(mend.getByRole("row", { name: /The answer it failed on/ })).toBeVisible({ timeout: 60_000 });
  await expectAccessible(page, "a run that waits for its reward to be mended");

  const code = mend.getByRole("textbox", { name: "long" });
  await code.fill(right.replace("length", "size()"));
  await expect(mend.getByRole("alert").filter({ hasText: "Line 2" })).toBeVisible({ timeout: 60_000 });
  await code.fill(right);
  await expect(mend.getByRole("alert").filter({ hasText: "Line 2" })).toBeHidden({ timeout: 60_000 });
  await mend.getByRole("button", { name: "Resume with this code" }).click();
  await run.waitForStatus("done");
  await expect(mend).toBeHidden();
  await expect(page.getByText("The reward long was changed at step 3")).toBeVisible();
  const curves = await run.saveCurves("Reward and accuracy");
  expect([...(curves["reward"]?.keys() ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);

  const address = page.url();
  const id = address.split("/").at(-1) ?? "";
  const goOn = page.getByRole("button", { name: "Go on with rewards from this run" });
  await goOn.click();
  const begins = page.getByRole("region", { name: "What it begins as" });
  await expect(begins).toContainText("Begins as own-1, step 6");
  await studio.advanced.click();
  const { start, sftFirst, objective } = await studio.recipe();
  expect({ start, sftFirst, objective }).toEqual({
    start: decodeURIComponent(id),
    sftFirst: undefined,
    objective: newOwnRecipe(right).objective,
  });
  await expectAccessible(page, "a recipe that begins as a run");
  await studio.card("Train").getByRole("textbox").fill("1");
  const next = await studio.train();
  await next.waitForStatus("done");

  await page.goto(address);
  await goOn.click();
  await begins.getByRole("button", { name: "Begin with a new adapter" }).click();
  await expect(begins).toBeHidden();
  await studio.advanced.click();
  expect((await studio.recipe()).start).toBeUndefined();
});

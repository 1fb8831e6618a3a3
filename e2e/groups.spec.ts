/** @file The group inspector over a stored run: step by step, coloured, searched, exported. */

import { readFile } from "node:fs/promises";
import { newObjective } from "../src/core/objective";
import { newRecipe } from "../src/core/recipe";
import { newReward } from "../src/core/reward";
import { expectAccessible } from "./expectAccessible";
import { runPage } from "./pages/runPage";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { storeBrokenGroups, storeRewardRun, storeUntrained } from "./rewardRun";
import { expect, test } from "./test";

test("rewards are charted beside accuracy, and lead to the groups", async ({ page }) => {
  const run = await storeRewardRun(page);
  await page.goto(`/runs/${run.id}`);
  const view = runPage(page);
  const rewards = page.getByRole("region", { name: "Rewards" });
  await expect(rewards).toContainText(/At step 40, |Every group of step 40 /);
  await expect(rewards.getByText("imitation").first()).toBeVisible();
  const curves = await view.saveCurves("Reward and accuracy");
  expect([...(curves["gsm8k/strict"]?.keys() ?? [])]).toEqual([0, 5, 10, 20, 30, 40]);
  expect([...(curves["reward"]?.keys() ?? [])]).toEqual(Array.from({ length: 35 }, (_, i) => i + 6));
  expect(curves["gsm8k/pass"]?.get(40)).toBeCloseTo(0.85, 6);
  const components = await view.saveCurves("Reward by component");
  expect(Object.keys(components)).toEqual(["rewards/answer/mean", "rewards/steps/mean", "rewards/format/mean"]);
  await expect(page.getByRole("figure", { name: "Explained variance" })).toHaveCount(0);
  await expect(view.summary).toContainText("pass@4");
  await expectAccessible(page, "a run's rewards");
  await page.getByRole("button", { name: "Groups", exact: true }).click();
  await expect(page).toHaveTitle("Groups · rewards-1 · Anneal");
});

test("one steps through the groups, by arrows and by the slider's keys", async ({ page }) => {
  const run = await storeRewardRun(page);
  await page.goto(`/runs/${run.id}/groups?step=9`);
  const first = page.getByRole("article", { name: "Group 1" });
  await expect(first).toContainText("Ann has 4 pens");
  await expect(first).toContainText("All 8 answers are worth the same, so this group teaches nothing.");
  const rows = page.getByRole("table", { name: "Answers of group 2" }).locator("tbody");
  await expect(rows).toHaveCount(8);
  const rewards = (await rows.locator("td:nth-child(2)").allTextContents()).map(Number).filter(Number.isFinite);
  expect(rewards).toEqual(rewards.toSorted((a, b) => b - a));
  await page.getByRole("button", { name: "Later step" }).click();
  await expect(page).toHaveURL(/step=10$/);
  await expect(first).toContainText("Ann has 5 pens");
  await page.getByRole("slider", { name: "Step" }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page).toHaveURL(/step=9$/);
  await page.keyboard.press("End");
  await expect(page).toHaveURL(/step=40$/);
  await expect(page.getByRole("button", { name: "Later step" })).toBeDisabled();
  const text = page.getByRole("table", { name: "Answers of group 2" }).getByRole("group").first();
  await text.focus();
  await page.keyboard.press("ArrowRight");
  await expect(text).toContainText(/“There” advantage [+−][\d.]+ · [+−][\d.]+ nats since the start/);
  await page.getByRole("radio", { name: "Advantage" }).click();
  await expect(page.getByRole("group", { name: "advantage", exact: true })).toBeVisible();
  await expectAccessible(page, "the group inspector");
});

test("answers are found in every step, and each result opens its place", async ({ page }) => {
  const run = await storeRewardRun(page);
  await page.goto(`/runs/${run.id}/groups`);
  const search = page.getByRole("complementary", { name: "Find answers" });
  await search.getByRole("textbox", { name: "Text in the prompt or the answer" }).fill("5 pens and buys 3");
  await search.getByRole("textbox", { name: "Reward from" }).fill("a lot");
  await expect(search).toContainText("Not a number");
  await search.getByRole("textbox", { name: "Reward from" }).fill("1");
  await search.getByRole("radio", { name: "right" }).click();
  await search.getByRole("button", { name: "Find" }).click();
  const results = search.getByRole("list", { name: "Answers found" }).getByRole("button");
  await expect(results.first()).toHaveAccessibleName(/^step 10, group 1, reward 1\.\d+, right$/);
  await results.first().click();
  await expect(page).toHaveURL(/step=10&group=1&answer=\d$/);
  await expect(page.locator("tbody[aria-current=true]")).toContainText("####");
  await expect(page.locator("tbody[aria-current=true]")).toBeInViewport();
  await expect(page.getByRole("heading", { level: 1 })).toBeInViewport();
  await search.getByRole("textbox", { name: "Text in the prompt or the answer" }).fill("zebra");
  await search.getByRole("button", { name: "Find" }).click();
  await expect(search).toContainText("No answer is like that.");
});

test("all answers are saved as JSON lines", async ({ page }) => {
  const run = await storeRewardRun(page);
  await page.goto(`/runs/${run.id}/groups`);
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save answers as JSONL" }).click();
  const download = await saved;
  expect(download.suggestedFilename()).toBe("rewards-1.groups.jsonl");
  const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n");
  expect(lines).toHaveLength(35 * 4 * 8);
  const last = JSON.parse(lines.at(-1) ?? "") as Record<string, unknown>;
  expect(Object.keys(last["rewards"] as object)).toEqual(["answer", "steps", "format"]);
  expect(last).toMatchObject({ step: 40, group: 3 });
  expect(last["prompt"]).toContain("Ann has");
});

test("a run that trains is followed group by group, and what it wrote is kept", async ({ page }) => {
  test.setTimeout(180_000);
  const sampling = { temperature: { start: 1, end: 1 }, topK: 0, topP: 1, minP: 0, maxTokens: 24, stop: [] };
  const rewards = [newReward("answer"), newReward("length", { weight: 1, target: 24 })];
  const studio = studioPage(page);
  await studio.open(
    newShortRecipe(10, {
      name: "live",
      objective: newObjective("grpo", { prompts: 2, completions: 4, rewards, sampling }),
      batching: { ...newRecipe().batching, rows: 8, mode: "bucket" },
    }),
  );
  const run = await studio.train();
  await run.waitForStep(2);
  await expect(page.getByRole("region", { name: "Rewards" })).toBeVisible();
  await page.getByRole("button", { name: "Groups", exact: true }).click();
  await expect(page.getByRole("table", { name: "Answers of group 2" }).locator("tbody")).toHaveCount(4);
  await expect(page.getByText("step 10", { exact: true })).toBeVisible({ timeout: 120_000 });
  await page.getByRole("link", { name: "Back to the run" }).click();
  await run.waitForStatus("done");
  await page.goBack();
  await page.reload();
  await expect(page.getByText("10 of 10", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Earlier step" }).click();
  await expect(page.getByRole("table", { name: "Answers of group 1" })).toContainText("length");
});

test("nothing kept, a step that is not there, and a record that cannot be read are said", async ({ page }) => {
  const run = await storeRewardRun(page);
  await page.goto(`/runs/${run.id}/groups?step=999`);
  await expect(page.getByText("Nothing is kept of step 999")).toBeVisible();
  await storeBrokenGroups(page, run, 41);
  await page.goto(`/runs/${run.id}/groups?step=41`);
  await expect(page.getByRole("alert")).toContainText("The answers of step 41 are unreadable");
  await page.getByRole("button", { name: "Earlier step" }).click();
  await expect(page.getByRole("article", { name: "Group 1" })).toBeVisible();
  const empty = await storeUntrained(page);
  await page.goto(`/runs/${empty.id}/groups`);
  await expect(page.getByText("This run took no step that learns from rewards.")).toBeVisible();
  await page.goto("/runs/run:none/groups");
  await expect(page.getByRole("heading", { name: "This run is not here" })).toBeVisible();
});

/** @file Every method: chosen in the studio it trains, its run is there after a reload, and its fields say what is wrong. */

import { newLoarRecipe, newRecipe } from "../src/core/recipe";
import { expectAccessible } from "./expectAccessible";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

const steps = 3;
const choices = [
  "LoRA",
  "LoAR + LoRA",
  "LoAR",
  "DoRA",
  "Full fine-tuning",
  "Last layers",
  "Biases",
  "Prefix tuning",
  "Prompt tuning",
  "Bottleneck",
  "IA3",
];
/** The one whose run is left in the middle. */
const reloaded = "LoAR + LoRA";

test("every method trains", async ({ page }) => {
  test.setTimeout(400_000);
  const studio = studioPage(page);
  const { batching, evaluation } = newRecipe();
  const recipe = newShortRecipe(steps, {
    batching: { ...batching, rows: 4 },
    evaluation: { ...evaluation, every: steps, rows: 0, lossRows: 4, samples: 0 },
    checkpoints: { every: 1 },
  });
  await studio.open(recipe);
  for (const choice of choices) {
    await test.step(choice, async () => {
      await studio.chooseMethod(choice);
      const run = await studio.train();
      if (choice === reloaded) {
        await run.waitForStep(1);
        await page.reload();
      }
      await run.waitForStatus("done");
      const curves = await run.saveCurves("Loss");
      const losses = [...(curves["train/loss"] ?? [])];
      expect(losses.map(([step]) => step)).toEqual([1, 2, 3]);
      for (const [, loss] of losses) expect(loss).toBeGreaterThan(0.5);
      for (const [, loss] of losses) expect(loss).toBeLessThan(8);
      await shell(page).goTo("Studio");
    });
  }
});

test("a method brings its learning rate and its way of batching, and others can be added", async ({ page }) => {
  test.setTimeout(120_000);
  const studio = studioPage(page);
  await studio.open(newShortRecipe(steps, { batching: { ...newRecipe().batching, mode: "pack" } }));
  await studio.advanced.click();
  const card = studio.card("Method");

  await studio.chooseMethod("Prompt tuning");
  const prompt = await studio.recipe();
  expect(prompt.adaptation).toEqual([{ kind: "prompt", virtualTokens: 16 }]);
  expect(prompt.batching.mode).toBe("bucket");
  expect(prompt.optimizer.learningRate).toBeGreaterThan(newRecipe().optimizer.learningRate);
  await expect(card).toContainText("16 + text");

  await studio.addMethod("LoAR");
  await expect(card).toContainText("Trained together: Prompt tuning + LoAR");
  await card.getByRole("button", { name: "Add another method" }).click();
  await expect(page.getByRole("menuitem", { name: "Add Prefix tuning" })).toBeHidden(); // it claims the same places
  await page.getByRole("menuitem", { name: "Without Prompt tuning" }).click();
  expect((await studio.recipe()).adaptation.map(({ kind }) => kind)).toEqual(["loar"]);

  await page.getByRole("button", { name: "Recipe", exact: true }).click();
  await page.getByRole("menuitem", { name: "LoAR quickstart" }).click();
  expect(await studio.recipe()).toEqual(newLoarRecipe());
  await expect(card).toContainText("carries logic");
});

test("what is wrong with a method is said at its field", async ({ page }) => {
  test.setTimeout(120_000);
  const studio = studioPage(page);
  await studio.open(newShortRecipe(steps, { adaptation: newLoarRecipe().adaptation }));
  await studio.advanced.click();
  const loar = page.getByRole("group", { name: "LoAR", exact: true });
  const lora = page.getByRole("group", { name: "LoRA", exact: true });

  await lora.getByRole("textbox", { name: "Rank", exact: true }).fill("0");
  await expect(lora.getByRole("alert")).toHaveText("must be at least 1");
  await expect(studio.start).toBeDisabled();
  await lora.getByRole("textbox", { name: "Rank", exact: true }).fill("8");
  await lora.getByText("Ranks of single matrices").click();
  await lora.getByRole("textbox", { name: "q_proj Rank" }).fill("1000");
  await expect(lora.getByRole("alert")).toHaveText("must be at most 512");
  await lora.getByRole("textbox", { name: "q_proj Rank" }).fill("4");
  await expect(studio.start).toBeEnabled({ timeout: 30_000 });

  await loar
    .getByRole("button", { name: /What carries logic/ })
    .last()
    .click();
  await page.getByRole("option", { name: "Own expressions" }).click();
  await loar.getByRole("button", { name: "Add an expression" }).click();
  await loar.getByRole("textbox", { name: "Expression 2" }).fill("(half|twice");
  await expect(loar.getByRole("alert")).toContainText("missing closing )", { timeout: 30_000 });
  await expect(studio.start).toBeDisabled();
  await expectAccessible(page, "LoAR's fields");
  await loar.getByRole("textbox", { name: "Expression 2" }).fill("(half|twice)");
  await expect(loar.getByRole("alert")).toBeHidden({ timeout: 30_000 });
  await expect(studio.start).toBeEnabled();
  const { adaptation } = await studio.recipe();
  expect(adaptation).toMatchObject([
    { kind: "loar", annotator: { kind: "patterns", patterns: ["[0-9]+", "(half|twice)"] } },
    { kind: "lora", rank: 8, rankPattern: { q_proj: 4 } },
  ]);
});

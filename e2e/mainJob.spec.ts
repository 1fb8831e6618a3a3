/** @file The main job on the CPU path: data → train → accuracy → reload in mid-run → resume → talk → adapter. */

import { unzipSync } from "fflate";
import { newRecipe } from "../src/core/recipe";
import { playgroundPage } from "./pages/playgroundPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

const steps = 60;
const every = 15;

test("the main job, from the first click to the adapter", async ({ page }) => {
  test.setTimeout(300_000);
  const studio = studioPage(page);

  await test.step("one click starts the embedded recipe", async () => {
    const { batching, evaluation } = newRecipe();
    const measured = { ...evaluation, every, rows: 40, samples: 2 };
    await studio.open(newShortRecipe(steps, { batching, evaluation: measured }));
    await shell(page).expectEngine(/WASM · \d+ threads/);
  });
  const run = await studio.train();

  await test.step("accuracy is there from step 0 on", async () => {
    await expect(
      run.chart("Accuracy").getByRole("application").or(run.chart("Accuracy").locator("svg").first()),
    ).toBeVisible({
      timeout: 60_000,
    });
    await expect(run.samples.getByRole("listitem").first()).toBeVisible();
    expect(await run.step()).toBeLessThan(steps);
  });

  await test.step("pause holds still, continue goes on", async () => {
    await run.waitForStep(3);
    await run.pause.click();
    await expect(run.goOn).toBeVisible({ timeout: 20_000 });
    const held = await run.step();
    await page.waitForTimeout(1500);
    expect(await run.step()).toBe(held);
    await run.goOn.click();
    await run.waitForStep(held + 1);
  });

  await test.step("a reload in mid-run resumes from the last checkpoint", async () => {
    await run.waitForStep(12);
    await page.reload();
    await expect(page.getByText(/Training goes on from the checkpoint of step \d+/)).toBeVisible({ timeout: 30_000 });
    await run.waitForStatus("done");
  });

  const [loss, accuracy] = await test.step("curves are whole, the loss falls", async () => {
    const curves = [await run.saveCurves("Loss"), await run.saveCurves("Accuracy")] as const;
    return curves;
  });
  const train = [...(loss["train/loss"] ?? [])];
  expect(train.map(([step]) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const values = train.map(([, value]) => value);
  expect(mean(values.slice(-5))).toBeLessThan(mean(values.slice(0, 5)));
  const strict = [...(accuracy["gsm8k/strict"] ?? [])];
  expect(strict.map(([step]) => step)).toEqual([0, every, 2 * every, 3 * every, steps]);
  const shares = strict.map(([, share]) => share);
  expect((shares.at(-1) ?? 0) - (shares[0] ?? 1)).toBeGreaterThan(0.15);

  await test.step("talk to it beside its base", async () => {
    await run.talk.click();
    const playground = playgroundPage(page);
    await playground.expectReady();
    await playground.askFor("Tom has 3 apples and buys 4 more. How many apples does Tom have?", 2);
  });

  await test.step("the adapter is a zip with PEFT's files", async () => {
    await page.goBack();
    await expect(run.title).toBeVisible();
    const { name, bytes } = await run.exportAs("PEFT adapter");
    expect(name).toMatch(/\.zip$/);
    const files = unzipSync(bytes);
    const names = Object.keys(files).map((file) => file.replace(/^.*\//, ""));
    expect(names.sort()).toEqual(["README.md", "adapter_config.json", "adapter_model.safetensors", "recipe.json"]);
    const config = JSON.parse(
      new TextDecoder().decode(Object.entries(files).find(([file]) => file.endsWith("adapter_config.json"))?.[1]),
    ) as { peft_type?: unknown; r?: unknown };
    expect(config).toMatchObject({ peft_type: "LORA", r: 16 });
  });
});

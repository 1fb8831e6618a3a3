/** @file A model of one's own: dropped, taught, talked to, exported, and gone again. */

import { writeFileSync } from "node:fs";
import { unzipSync } from "fflate";
import { modelsPage } from "./pages/modelsPage";
import { playgroundPage } from "./pages/playgroundPage";
import { runPage } from "./pages/runPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { sharedFile } from "./shared";
import { expect, test } from "./test";

const name = "stories260K-f32";

test("a GGUF file is dropped, trained on, resumed after a reload, talked to, exported and deleted", async ({
  page,
}) => {
  test.setTimeout(240_000);
  const file = sharedFile("models/stories260K/stories260K-f32.gguf");
  const models = modelsPage(page);
  const studio = studioPage(page);
  await studio.open(newShortRecipe(12, { name: "own" }));
  await shell(page).expectEngine(/WASM/);

  await test.step("it comes in by a drop on any page and says what it is", async () => {
    await models.drop([file]);
    await expect(models.card(name)).toContainText("Llama", { timeout: 30_000 });
    await expect(models.card(name)).toContainText("GGUF (F32)");
    await models.choose(name, "Verify");
    await expect(page.getByText(`Every file of ${name} is as it came`)).toBeVisible();
  });

  const run = await test.step("one press takes it to Studio, another trains it", async () => {
    await models.use(name);
    await expect(studio.card("Model")).toContainText("293K parameters");
    const started = await studio.train();
    await started.waitForStep(6);
    return started;
  });

  await test.step("a reload goes on from the checkpoint", async () => {
    await page.reload();
    await run.waitForStatus("done");
  });

  await test.step("talk to it beside its base, without loading it by hand", async () => {
    await run.talk.click();
    const playground = playgroundPage(page);
    await playground.expectReady();
    await playground.askFor("Once upon a time, there was a cat.", 2);
    await expect(page.getByRole("button", { name: new RegExp(name) })).toBeVisible();
    await page.goBack();
  });

  await test.step("its adapter leaves as PEFT's, its model merged", async () => {
    await expect(run.title).toBeVisible();
    const { bytes } = await run.exportAs("PEFT adapter");
    expect(Object.keys(unzipSync(bytes)).some((path) => path.endsWith("adapter_model.safetensors"))).toBe(true);
    const merged = unzipSync((await run.exportAs("Merged model, safetensors", /^16 bits/)).bytes);
    expect(Object.keys(merged).sort()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    expect(merged["model.safetensors"]?.length).toBeGreaterThan(2 * 290_000);
  });

  await test.step("deleted, it is gone from every list", async () => {
    await shell(page).goTo("Models");
    await models.choose(name, "Delete");
    await page.getByRole("dialog").or(page.getByRole("alertdialog")).getByRole("button", { name: "Delete" }).click();
    await expect(models.card(name)).toHaveCount(0);
  });
});

test("files that are no model are refused with what is wrong, and the page lives on", async ({ page }, info) => {
  const models = modelsPage(page);
  await page.goto("/models");
  await shell(page).expectEngine(/WASM/);
  const at = (file: string, text: string) => {
    const path = info.outputPath(file);
    writeFileSync(path, text);
    return path;
  };
  for (const [files, words] of [
    [[at("broken.gguf", "GGUF and then nothing of the kind follows")], /GGUF/],
    [[at("config.json", '{"model_type":"mamba"}'), at("model.safetensors", "12345678")], /mamba/],
    [[at("model.safetensors", "12345678")], /config\.json is missing/],
  ] as const) {
    await models.pick([...files]);
    await expect(models.alert.filter({ hasText: words })).toBeVisible();
    await page.getByRole("button", { name: "Dismiss" }).click();
  }
  await expect(page.getByRole("heading", { level: 2 })).toHaveCount(1);
  await expect(runPage(page).title).toHaveCount(0);
});

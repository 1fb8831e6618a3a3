/** @file What was trained leaves proved, comes in again, adds up and answers; what a form cannot carry is said before. */

import { writeFileSync } from "node:fs";
import { unzipSync } from "fflate";
import { newLoarRecipe, newRecipe } from "../src/core/recipe";
import { expectAccessible } from "./expectAccessible";
import { exportDialog } from "./pages/exportDialog";
import { modelsPage } from "./pages/modelsPage";
import { playgroundPage } from "./pages/playgroundPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

const base = "Anneal base";
const quick = {
  batching: { ...newRecipe().batching, rows: 4 },
  evaluation: { ...newRecipe().evaluation, every: 3, rows: 0, lossRows: 4, samples: 0 },
};

test("a LoRA is proved and leaves as PEFT's and as GGUF, comes in again, adds up and answers", async ({
  page,
}, info) => {
  test.setTimeout(240_000);
  const studio = studioPage(page);
  const exports = exportDialog(page);
  const adapters = modelsPage(page).adapters(base);
  await studio.open(newShortRecipe(3, { ...quick, name: "first" }));
  const run = await studio.train();
  await run.waitForStatus("done");

  await test.step("adapter = merged = exported is shown by itself", async () => {
    await expect(run.summary).toContainText(
      /merged, 32 bits holds: largest difference of a logit \S+ on 8 held-out prompts/,
      {
        timeout: 60_000,
      },
    );
    await expect(run.summary).toContainText("PEFT adapter holds: every logit the same on 8 held-out prompts", {
      timeout: 60_000,
    });
  });

  const peft = await test.step("the dialog says what each form is for, and gives the proved file", async () => {
    await run.export.click();
    await expect(exports.form("PEFT adapter")).toBeChecked({ timeout: 30_000 });
    await expect(exports.dialog).toContainText("For Ollama, llama.cpp and LM Studio");
    await expect(exports.form("LoAR for transformers")).toHaveCount(0);
    await expect(exports.unable).toContainText("LoAR for transformersThere is no LoAR in it.");
    await expect(exports.good).toContainText("on 8 held-out prompts");
    await expectAccessible(page, "the export of a run");
    const file = await exports.saveProved();
    expect(file.name).toMatch(/^first.*\.zip$/);
    expect(Object.keys(unzipSync(file.bytes))).toContain("adapter_config.json");
    return file;
  });

  await test.step("a GGUF adapter, and a merged GGUF of 8 bits", async () => {
    await exports.choose("GGUF adapter");
    expect(Object.keys(unzipSync((await exports.saveProved()).bytes)).sort()).toEqual(["Modelfile", "adapter.gguf"]);
    await exports.choose("Merged model, GGUF", /^Q8_0/);
    await expect(exports.dialog).toContainText("at most 0.03 of relative difference");
    expect(Object.keys(unzipSync((await exports.saveProved()).bytes)).sort()).toEqual(["Modelfile", "model.gguf"]);
    await exports.close();
  });

  await test.step("PEFT's zip comes in again, by a drop and by hand", async () => {
    await shell(page).goTo("Models");
    const path = info.outputPath("again.zip");
    writeFileSync(path, peft.bytes);
    await modelsPage(page).drop([path]);
    await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
    await expect(adapters.row("again")).toContainText("LoRA, rank 16");
    await adapters.pick([path]);
    await expect(adapters.rows("again")).toHaveCount(2);
    await adapters.rename("again", "copy");
    await expect(adapters.row("copy")).toContainText("imported");
  });

  await test.step("run and copy add up by their weights", async () => {
    await adapters.section.getByRole("button", { name: "Add up…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(/^first/).click();
    await expect(dialog.getByRole("button", { name: "Add up" })).toBeDisabled();
    await dialog.getByText("copy").click();
    await dialog.getByRole("textbox", { name: "Weight of copy" }).fill("0.5");
    await expect(dialog.getByRole("status")).toHaveText("Rank of the sum: 32");
    await expectAccessible(page, "the dialog that adds up");
    await dialog.getByRole("textbox", { name: "Name" }).fill("sum");
    await dialog.getByRole("button", { name: "Add up" }).click();
    await expect(adapters.row("sum")).toContainText("LoRA, rank 32");
    await expect(adapters.row("sum")).toContainText(/sum of 1 × first.* \+ 0\.5 × copy/);
    await expectAccessible(page, "the library of adapters");
  });

  await test.step("the sum is proved, leaves and answers; the base is loaded once", async () => {
    await adapters.row("sum").getByRole("button", { name: "Export sum" }).click();
    await expect(exports.good).toContainText("on 8 held-out prompts", { timeout: 60_000 });
    await exports.close();
    await adapters.row("sum").getByRole("button", { name: "Talk to sum" }).click();
    const playground = playgroundPage(page);
    await playground.expectReady();
    await expect(page.getByRole("button", { name: /sum/ })).toBeVisible();
    await playground.askFor("Tom has 3 apples and buys 2. How many has he?", 2);
    await page.getByRole("button", { name: /sum/ }).first().click();
    await page.getByRole("option", { name: /copy/ }).click();
    await playground.askFor("Tom has 3 apples and buys 2. How many has he?", 4);
  });

  await test.step("a deleted one is gone", async () => {
    await shell(page).goTo("Models");
    await adapters.delete("copy");
    await expect(adapters.rows("copy")).toHaveCount(0);
    await page.reload();
    await expect(adapters.row("sum")).toBeVisible({ timeout: 30_000 });
    await expect(adapters.rows("copy")).toHaveCount(0);
  });
});

test("a LoAR run shows that GGUF cannot carry it, and what to take instead", async ({ page }) => {
  const studio = studioPage(page);
  const exports = exportDialog(page);
  await studio.open(newShortRecipe(2, { ...quick, name: "routed", adaptation: newLoarRecipe().adaptation }));
  const run = await studio.train();
  await run.waitForStatus("done");
  await run.export.click();
  await expect(exports.form("LoAR for transformers")).toBeChecked({ timeout: 30_000 });
  for (const form of ["GGUF adapter", "Merged model, GGUF", "PEFT adapter"] as const) {
    await expect(exports.form(form)).toHaveCount(0);
    await expect(exports.unable).toContainText(form);
  }
  await expect(exports.unable).toContainText("llama.cpp's adapters are LoRA alone, and this is LoAR, LoRA.");
  await exports.choose("The studio's own adapter");
  await exports.unable.getByRole("button", { name: "Take LoAR for transformers" }).first().click();
  const { bytes } = await exports.saveProved();
  expect(Object.keys(unzipSync(bytes))).toContain("anneal_loar.py");
});

test("an export that fails its proof is said to, and is had only knowingly; one that is stopped leaves nothing", async ({
  page,
}) => {
  // A bound that nothing meets stands for an export that is wrong.
  await page.route("**/engine.worker-*.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace("relative:1e-4", "relative:-1") });
  });
  const studio = studioPage(page);
  const exports = exportDialog(page);
  await studio.open(newShortRecipe(2, { ...quick, name: "wrong" }));
  const run = await studio.train();
  await run.waitForStatus("done");
  await expect(run.summary).toContainText("merged, 32 bits fails", { timeout: 60_000 });
  await run.export.click();
  await expect(exports.bad).toContainText("Do not pass it on as this model", { timeout: 60_000 });
  await expect(exports.bad).toContainText(/Largest difference of a logit \S+; relative \S+, bound -1/);
  await expect(exports.save).toBeHidden();
  await expectAccessible(page, "a failed proof");
  const saved = page.waitForEvent("download");
  await exports.takeAnyway.click();
  expect((await saved).suggestedFilename()).toMatch(/^wrong.*\.zip$/);

  await exports.choose("Merged model, GGUF", /^F32/);
  await exports.make.click();
  await exports.dialog.getByRole("button", { name: "Stop" }).click();
  await expect(exports.make).toBeEnabled();
  await exports.close();
});

test("files that are no adapter are refused with what is wrong, and the library stays as it was", async ({
  page,
}, info) => {
  const adapters = modelsPage(page).adapters(base);
  await page.goto("/models");
  await shell(page).expectEngine(/WASM/);
  const at = (file: string, text: string) => {
    const path = info.outputPath(file);
    writeFileSync(path, text);
    return path;
  };
  for (const [files, words] of [
    [[at("notes.zip", "no zip at all")], /notes\.zip is not a zip/],
    [[at("adapter_config.json", "{}")], /adapter_model\.safetensors is missing/],
    [[at("adapter.gguf", "GGUF and nothing")], /GGUF/],
  ] as const) {
    await adapters.pick([...files]);
    await expect(adapters.section.getByRole("alert").filter({ hasText: words })).toBeVisible();
    await adapters.section.getByRole("button", { name: "Dismiss" }).click();
  }
  await expect(adapters.section.getByRole("table")).toHaveCount(0);
});

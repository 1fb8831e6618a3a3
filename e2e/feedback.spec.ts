/** @file Thumbs in the playground become data sets: kept, turned, undone, paired, and ready to be trained on. */

import { expectAccessible } from "./expectAccessible";
import { datasetsPage } from "./pages/datasetsPage";
import { playgroundPage } from "./pages/playgroundPage";
import { shell } from "./pages/shell";
import { studioPage } from "./pages/studioPage";
import { newShortRecipe } from "./recipes";
import { expect, test } from "./test";

const question = "Tom has 3 apples and buys 4 more. How many apples does Tom have?";
const answersName = "Feedback from the playground";

test("a thumb is kept, turned by the keyboard, undone and taken back", async ({ page }) => {
  const playground = playgroundPage(page);
  await page.goto("/playground");
  await shell(page).expectEngine(/WASM/);
  await playground.askFor(question, 1);
  const { up, down } = playground.thumbs("Base");
  await expect(up).toHaveAttribute("aria-pressed", "false");
  await up.click();
  await expect(up).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByText(`Kept in “${answersName}”`)).toBeVisible();
  await expectAccessible(page, "Playground with a thumb");

  await up.focus();
  await page.keyboard.press("Tab");
  await expect(down).toBeFocused();
  await page.keyboard.press("Space");
  await expect(down).toHaveAttribute("aria-pressed", "true");
  await expect(up).toHaveAttribute("aria-pressed", "false");
  await page.getByRole("button", { name: "Undo" }).last().click();
  await expect(up).toHaveAttribute("aria-pressed", "true");

  const datasets = datasetsPage(page);
  await shell(page).goTo("Datasets");
  await datasets.list.getByRole("link", { name: answersName }).click();
  await expect(datasets.judged).toContainText("labelled good", { timeout: 20_000 });
  await expect(datasets.judged).toContainText(question);
  await datasets.use.click();
  await expect(studioPage(page).card("Data")).toContainText(answersName);

  await shell(page).goTo("Playground");
  await up.click();
  await expect(up).toHaveAttribute("aria-pressed", "false");
  await expect(page.getByText("Taken back")).toBeVisible();
  await shell(page).goTo("Datasets");
  await expect(datasets.list.getByRole("link")).toHaveCount(1);
});

test("one answer up and the other down are a preference pair", async ({ page }) => {
  test.setTimeout(240_000);
  const studio = studioPage(page);
  await studio.open(newShortRecipe(40));
  await shell(page).expectEngine(/WASM/);
  const run = await studio.train();
  await run.waitForStatus("done");
  await run.talk.click();
  const playground = playgroundPage(page);
  await playground.askFor(question, 2);
  await playground.thumbs("Base").down.click();
  await expect(page.getByText(`Kept in “${answersName}”`)).toBeVisible();
  await playground.thumbs("short").up.click();
  await expect(page.getByText("Both answers are also kept as a preference, in “Feedback pairs”.")).toBeVisible();

  const datasets = datasetsPage(page);
  await shell(page).goTo("Datasets");
  await expect(datasets.list.getByRole("link", { name: answersName })).toContainText("2 rows");
  await datasets.list.getByRole("link", { name: "Feedback pairs" }).click();
  const row = datasets.judged;
  await expect(row.getByRole("region", { name: "Chosen" })).not.toBeEmpty({ timeout: 20_000 });
  await expect(row.getByRole("region", { name: "Rejected" })).toBeVisible();

  await page.goBack();
  await shell(page).goTo("Playground");
  await playground.thumbs("Base").up.click();
  await shell(page).goTo("Datasets");
  await expect(datasets.list.getByRole("link", { name: answersName })).toContainText("2 rows");
  await expect(datasets.list.getByRole("link", { name: "Feedback pairs" })).toHaveCount(0);
});

/** @file Models: what is here, and how others come in. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, type Page } from "@playwright/test";

/** The adapters of one base. */
function adapterLibrary(page: Page, base: string) {
  const section = page.getByRole("region", { name: `Adapters of ${base}` });
  const rows = (name: string) => section.getByRole("row").filter({ hasText: new RegExp(`^${name}`) });
  const choose = async (name: string, action: "Rename" | "Delete") => {
    await rows(name)
      .first()
      .getByRole("button", { name: `More of ${name}` })
      .click();
    await page.getByRole("menuitem", { name: action }).click();
  };
  return {
    section,
    rows,
    row: (name: string) => rows(name).first(),
    async pick(files: string[]) {
      const chooser = page.waitForEvent("filechooser");
      await section.getByRole("button", { name: "Import adapter" }).click();
      await page.getByRole("menuitem", { name: /^Files or a zip/ }).click();
      await (await chooser).setFiles(files);
    },
    async rename(name: string, next: string) {
      await choose(name, "Rename");
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("textbox", { name: "Name" }).fill(next);
      await dialog.getByRole("button", { name: "Rename" }).click();
    },
    async delete(name: string) {
      await choose(name, "Delete");
      await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    },
  };
}

export function modelsPage(page: Page) {
  const card = (name: string) => page.getByRole("region", { name, exact: true });
  return {
    card,
    adapters: (base: string) => adapterLibrary(page, base),
    alert: page.getByRole("alert"),
    /** Drops files anywhere on the page, as from the desktop. */
    async drop(files: string[]) {
      const parts = files.map((file) => ({ name: path.basename(file), base64: readFileSync(file).toString("base64") }));
      const transfer = await page.evaluateHandle((list) => {
        const dropped = new DataTransfer();
        for (const { name, base64 } of list) {
          const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
          dropped.items.add(new File([bytes], name));
        }
        return dropped;
      }, parts);
      await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
      await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    },
    async pick(files: string[]) {
      const chooser = page.waitForEvent("filechooser");
      await page.getByRole("button", { name: "Bring a model" }).click();
      await page.getByRole("menuitem", { name: /^Files/ }).click();
      await (await chooser).setFiles(files);
    },
    async use(name: string) {
      await card(name).getByRole("button", { name: "Use in Studio" }).click();
      await expect(page.getByRole("heading", { level: 1, name: "Studio" })).toBeVisible();
    },
    async choose(name: string, action: "Rename" | "Verify" | "Delete") {
      await card(name)
        .getByRole("button", { name: `More of ${name}` })
        .click();
      await page.getByRole("menuitem", { name: new RegExp(`^${action}`) }).click();
    },
  };
}

/** @file Models: what is here, and how others come in. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, type Page } from "@playwright/test";

export function modelsPage(page: Page) {
  const card = (name: string) => page.getByRole("region", { name, exact: true });
  return {
    card,
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

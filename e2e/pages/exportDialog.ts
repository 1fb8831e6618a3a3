/** @file The dialog that takes what was trained away: its forms, its proof, its file. */

import { readFile } from "node:fs/promises";
import { expect, type Page } from "@playwright/test";

export type FormName =
  | "PEFT adapter"
  | "The studio's own adapter"
  | "Merged model, safetensors"
  | "Merged model, GGUF"
  | "GGUF adapter"
  | "LoAR for transformers";

export function exportDialog(page: Page) {
  const dialog = page.getByRole("dialog");
  const form = (name: FormName) => dialog.getByRole("radio", { name: new RegExp(`^${name}`) });
  return {
    dialog,
    form,
    good: dialog.getByRole("region", { name: /^The file is what was trained/ }),
    unable: dialog.getByRole("region", { name: "Cannot carry it" }),
    bad: dialog.getByRole("region", { name: "The file is not what was trained" }),
    make: dialog.getByRole("button", { name: "Write and check" }),
    save: dialog.getByRole("button", { name: /^Save / }),
    takeAnyway: dialog.getByRole("button", { name: "Take it anyway" }),
    async choose(name: FormName, numbers?: RegExp) {
      await form(name).check({ force: true }); // the input itself is out of sight
      if (numbers) await dialog.getByRole("radio", { name: numbers }).check({ force: true });
    },
    /** Proves the chosen form, unless that has begun by itself, and saves the file. */
    async saveProved(): Promise<{ name: string; bytes: Uint8Array }> {
      await expect(this.save.or(this.make)).toBeEnabled({ timeout: 60_000 });
      if (await this.make.isVisible()) await this.make.click();
      await expect(this.good).toContainText(/relative \S+, bound/, { timeout: 60_000 });
      const saved = page.waitForEvent("download");
      await this.save.click();
      const file = await saved;
      return { name: file.suggestedFilename(), bytes: new Uint8Array(await readFile(await file.path())) };
    },
    async close() {
      await dialog.getByRole("button", { name: "Close" }).last().click();
      await expect(dialog).toBeHidden();
    },
  };
}

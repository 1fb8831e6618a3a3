/** @file A run, live and ended. */

import { readFile } from "node:fs/promises";
import { expect, type Locator, type Page } from "@playwright/test";
import { exportDialog, type FormName } from "./exportDialog";

/** A column of a saved chart by its curve's name, at the steps where it has a value. */
export type Curves = Record<string, Map<number, number>>;

function parseCurves(csv: string): Curves {
  const [head = "", ...lines] = csv.trim().split("\r\n");
  const names = head.split(",").slice(1);
  const curves: Curves = Object.fromEntries(names.map((name) => [name, new Map<number, number>()]));
  for (const line of lines) {
    const [step = "", ...values] = line.split(",");
    names.forEach((name, i) => {
      if (values[i]) curves[name]?.set(Number(step), Number(values[i]));
    });
  }
  return curves;
}

export function runPage(page: Page) {
  const chart = (name: string): Locator => page.getByRole("figure", { name, exact: true });
  const samples = page.getByRole("region", { name: "Samples" });
  return {
    title: page.getByRole("heading", { level: 1, name: /^Run · / }),
    chart,
    samples,
    summary: page.getByRole("region", { name: "What changed" }),
    pause: page.getByRole("main").getByRole("button", { name: "Pause", exact: true }),
    goOn: page.getByRole("main").getByRole("button", { name: "Continue", exact: true }),
    stop: page.getByRole("main").getByRole("button", { name: "Stop", exact: true }),
    resume: page.getByRole("main").getByRole("button", { name: /^Resume/ }),
    export: page.getByRole("main").getByRole("button", { name: "Export…" }),
    talk: page.getByRole("main").getByRole("button", { name: "Talk to it" }),
    status: page.getByRole("banner").or(page.locator("header")).first(),

    /** The step that the line under the title says. */
    async step(): Promise<number> {
      const text = (await page.getByText(/^step [\d,]+ of [\d,]+$/).textContent()) ?? "";
      return Number(/step ([\d,]+)/.exec(text)?.[1]?.replaceAll(",", ""));
    },
    async waitForStep(step: number, timeout = 120_000) {
      await expect.poll(() => this.step(), { timeout, intervals: [250] }).toBeGreaterThanOrEqual(step);
    },
    async waitForStatus(status: "done" | "stopped" | "paused" | "training" | "interrupted", timeout = 180_000) {
      await expect(page.locator("header").getByText(status, { exact: true })).toBeVisible({ timeout });
    },
    /** The numbers of a chart, saved through its menu. */
    async saveCurves(name: string): Promise<Curves> {
      await chart(name)
        .getByRole("button", { name: `${name}: save or show as table` })
        .click();
      const saved = page.waitForEvent("download");
      await page.getByRole("menuitem", { name: "Save as CSV" }).click();
      return parseCurves(await readFile(await (await saved).path(), "utf8"));
    },
    /** The zip of a form, proved, through the dialog. */
    async exportAs(form: FormName, numbers?: RegExp): Promise<{ name: string; bytes: Uint8Array }> {
      await this.export.click();
      const exports = exportDialog(page);
      await expect(exports.form(form)).toBeEnabled({ timeout: 30_000 });
      await exports.choose(form, numbers);
      const file = await exports.saveProved();
      await exports.close();
      return file;
    },
  };
}

/** @file Playwright's `test`, with the studio's settings chosen before it opens, and nothing wrong on the console. */

import { test as base, expect, type Page } from "@playwright/test";
import type { Settings } from "../src/state/settings";

type Options = {
  /** What this browser has set, as the Settings page would. */
  settings: Partial<Settings>;
  /** Console errors and uncaught errors so far; a test that leaves any fails. One that expects some empties it. */
  complaints: string[];
};

export const test = base.extend<Options>({
  settings: [{ theme: "light", backend: "wasm" }, { option: true }],
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
      await use(complaints);
      expect(complaints, "errors on the console").toEqual([]);
    },
    { auto: true },
  ],
  page: async ({ page, settings }, use) => {
    await setOnce(page, settings);
    await use(page);
  },
});

/** Only where nothing is set yet, so that what a test changes survives its reloads. */
async function setOnce(page: Page, settings: Partial<Settings>) {
  await page.addInitScript((stored) => {
    localStorage.setItem("anneal.settings", localStorage.getItem("anneal.settings") ?? stored);
  }, JSON.stringify(settings));
}

export { expect };

/** @file What is on every page: the way to the others, the title, the status line, what went wrong. */

import { expect, type Page } from "@playwright/test";

export type PlaceName = "Studio" | "Models" | "Datasets" | "Runs" | "Playground" | "Settings";

export function shell(page: Page) {
  const title = page.getByRole("heading", { level: 1 });
  const status = page.getByRole("contentinfo", { name: "Status" });
  return {
    title,
    status,
    alerts: page.getByRole("alert"),
    async goTo(place: PlaceName) {
      await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: place }).click();
      await expect(title).toHaveText(place);
    },
    /** The engine is open and says on what it runs. */
    async expectEngine(backend: RegExp) {
      await expect(status.getByRole("button", { name: backend })).toBeVisible({ timeout: 30_000 });
    },
  };
}

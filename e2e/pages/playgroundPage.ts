/** @file Chat with base and tuned model side by side. */

import { expect, type Page } from "@playwright/test";

export function playgroundPage(page: Page) {
  return {
    base: page.getByRole("region", { name: "Base" }),
    tuned: page.getByRole("region", { name: "Tuned" }),
    question: page.getByRole("textbox", { name: "Question" }),
    ask: page.getByRole("button", { name: /^Ask (both|the base)$/ }),
    async expectReady() {
      await expect(page.getByRole("heading", { level: 1, name: "Playground" })).toBeVisible();
    },
  };
}

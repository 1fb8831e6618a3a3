/** @file Chat with base and tuned model side by side. */

import { expect, type Page } from "@playwright/test";

export function playgroundPage(page: Page) {
  const history = page.getByRole("list", { name: "Asked in this session" });
  return {
    history,
    /** The answers so far, a region each: the base's, then the tuned model's. */
    answers: history.getByRole("region"),
    /** The two thumbs beside a side's last answer. */
    thumbs(side: string) {
      const group = history.getByRole("group", { name: `Judge the answer of ${side}` }).last();
      return {
        up: group.getByRole("button", { name: "Good answer" }),
        down: group.getByRole("button", { name: "Bad answer" }),
      };
    },
    question: page.getByRole("textbox", { name: "Question" }),
    ask: page.getByRole("button", { name: /^Ask (both|the base)$/ }),
    examples: page.getByRole("region", { name: "Held-out problems to try" }),
    async expectReady() {
      await expect(page.getByRole("heading", { level: 1, name: "Playground" })).toBeVisible();
    },
    /** Asks and waits for `count` whole answers. */
    async askFor(question: string, count: number) {
      await this.question.fill(question);
      await this.ask.click();
      await expect(this.answers).toHaveCount(count);
      for (let i = 0; i < count; i++) {
        await expect(this.answers.nth(i)).toContainText(/\d+ tokens · \d+ tok\/s/, { timeout: 60_000 });
      }
    },
  };
}

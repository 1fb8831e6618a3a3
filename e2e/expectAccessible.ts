/** @file Axe over the page as it stands: WCAG 2 A and AA, no violation. */

import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

export async function expectAccessible(page: Page, what: string) {
  const { violations } = await new AxeBuilder({ page })
    // react-aria's own: what it reads out points at elements that may have gone since
    .exclude("[data-live-announcer]")
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"])
    .analyze();
  const found = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.slice(0, 5).map(({ html, failureSummary }) => `${html} — ${failureSummary ?? ""}`),
  }));
  expect(found, `accessibility of ${what}`).toEqual([]);
}

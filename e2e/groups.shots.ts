/** @file Screenshots of a run that learns from rewards and of its groups; light and dark, wide and narrow. */

import type { Page } from "@playwright/test";
import { storeBrokenGroups, storeRewardRun, storeUntrained } from "./rewardRun";
import { expect, test } from "./test";

test.use({ settings: { theme: "system", backend: "wasm" } });
test.setTimeout(180_000);

const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };

/** The page as it stands, four times; it keeps its state, as theme and size change under it. */
async function shoot(page: Page, name: string) {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(400);
      await page.screenshot({ path: `shots/${name}-${size}-${colorScheme}.png`, animations: "disabled" });
    }
  }
  await page.setViewportSize(sizes.wide);
  await page.emulateMedia({ colorScheme: "light" });
}

test("a run that learnt from rewards, and its groups", async ({ page }) => {
  const run = await storeRewardRun(page);
  await page.goto(`/runs/${run.id}`);
  await expect(page.getByRole("region", { name: "Rewards" })).toBeVisible();
  await page.waitForTimeout(1500);
  await shoot(page, "rewards");
  await page.getByRole("figure", { name: "Groups without spread" }).scrollIntoViewIfNeeded();
  await shoot(page, "rewards-below");
  await page.goto(`/runs/${run.id}/groups?step=39`);
  await expect(page.getByRole("article", { name: "Group 1" })).toBeVisible();
  await shoot(page, "groups");
  const search = page.getByRole("complementary", { name: "Find answers" });
  await search.getByRole("radio", { name: "wrong" }).click();
  await search.getByRole("button", { name: "Find" }).click();
  await search.getByRole("list").getByRole("button").first().click();
  await shoot(page, "groups-found");
  await storeBrokenGroups(page, run, 41);
  await page.goto(`/runs/${run.id}/groups?step=41`);
  await expect(page.getByRole("alert")).toBeVisible();
  await shoot(page, "groups-failed");
  const empty = await storeUntrained(page);
  await page.goto(`/runs/${empty.id}/groups`);
  await shoot(page, "groups-empty");
});

/** @file The Settings page. */

import { expectAccessible } from "./expectAccessible";
import { shell } from "./pages/shell";
import { expect, test } from "./test";

test("the theme changes at once and stays", async ({ page }) => {
  await page.goto("/settings");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
  // While the engine opens, the backends cannot be chosen and are faint.
  await expect(page.getByRole("radio", { name: /^WebAssembly/ })).toBeEnabled();
  await expectAccessible(page, "Settings, light");
  await page.getByRole("radio", { name: "Dark" }).check({ force: true });
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expectAccessible(page, "Settings, dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("another backend is taken, and says why", async ({ page }) => {
  await page.goto("/settings");
  await shell(page).expectEngine(/WASM · \d+ threads?/);
  await page.getByRole("radio", { name: /Plain JavaScript/ }).check({ force: true });
  await shell(page).expectEngine(/^CPU$/);
});

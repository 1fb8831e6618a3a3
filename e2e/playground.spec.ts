/** @file The Playground page before anything is stored. */

import { expectAccessible } from "./expectAccessible";
import { shell } from "./pages/shell";
import { expect, test } from "./test";

for (const theme of ["light", "dark"] as const) {
  test.describe(theme, () => {
    test.use({ settings: { theme, backend: "wasm" } });
    test("Playground is reached by the rail and accessible", async ({ page }) => {
      await page.goto("/");
      await shell(page).expectEngine(/WASM/);
      await shell(page).goTo("Playground");
      await expect(page).toHaveTitle("Playground · Anneal");
      await expectAccessible(page, `Playground, ${theme}`);
    });
  });
}

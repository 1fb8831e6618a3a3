/** @file Data sets: the import in its steps, the table of rows, a row as tokens. */

import { expect, type Page } from "@playwright/test";

/** A file's path, or its name and content. */
export type Source = string | { name: string; mimeType: string; buffer: Buffer };

export const textFile = (name: string, text: string): Source => ({
  name,
  mimeType: "text/plain",
  buffer: Buffer.from(text),
});

export function datasetsPage(page: Page) {
  const dialog = page.getByRole("dialog");
  const list = page.getByRole("navigation", { name: "Data sets" });
  return {
    dialog,
    list,
    rows: (name: string) => page.getByRole("grid", { name: `Rows of ${name}` }),
    preview: dialog.getByRole("region", { name: "What the first rows become" }),
    tokens: page.getByRole("region", { name: /^Row [\d,]+ as tokens$/ }).first(),
    judged: page.getByRole("region", { name: /^Row [\d,]+ as it is judged$/ }),
    failure: dialog.getByRole("alert"),
    import: dialog.getByRole("button", { name: "Import", exact: true }),
    use: page.getByRole("button", { name: "Train on it" }),
    async open() {
      await page.goto("/datasets");
      await expect(page.getByRole("heading", { level: 1, name: "Datasets" })).toBeVisible();
    },
    /** Picks a file as a person does. */
    async pick(source: Source) {
      const chooser = page.waitForEvent("filechooser");
      await page.getByRole("main").getByRole("button", { name: "Import a file" }).click();
      await (await chooser).setFiles(source);
    },
    /** Drops a file anywhere on the page. */
    async drop({ name, text }: { name: string; text: string }) {
      const transfer = await page.evaluateHandle(
        ([fileName, content]) => {
          const data = new DataTransfer();
          data.items.add(new File([content], fileName));
          return data;
        },
        [name, text] as const,
      );
      for (const type of ["dragenter", "dragover", "drop"]) {
        await page.dispatchEvent("body", type, { dataTransfer: transfer });
      }
    },
    /** The rows are stored and shown. */
    async expectImported(name: string, rows: string, timeout = 30_000) {
      await expect(list.getByRole("link", { name: new RegExp(`^${name}`) })).toContainText(`${rows} rows`, { timeout });
      await expect(dialog).toBeHidden();
      await expect(this.rows(name).getByRole("row").nth(1)).toBeVisible();
    },
    async cancel() {
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await expect(dialog).toBeHidden();
    },
  };
}

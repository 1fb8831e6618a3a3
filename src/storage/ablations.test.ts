/** @file Ablations on disk: changed in one go, and a record that cannot be read keeps no other from view. */

import "fake-indexeddb/auto";
import { expect, test, vi } from "vitest";
import { newAblation, withCell } from "../core/ablation";
import { variantOfWord } from "../core/ablationVariants";
import { newRecipe } from "../core/recipe";
import { ablationLock, changeAblation, deleteAblation, listAblations, saveAblation } from "./ablations";
import { write } from "./database";

const recipe = newRecipe();
const newOne = (name: string) =>
  newAblation({ name, recipe, variants: ["lora:2", "bias"].map((word) => variantOfWord(recipe, word)), seeds: [1, 2] });

test("what is stored comes back, oldest first, until it is deleted", async () => {
  const [a, b] = [
    { ...newOne("a"), createdAt: 2 },
    { ...newOne("b"), createdAt: 1 },
  ] as ReturnType<typeof newOne>[];
  await saveAblation(a!);
  await saveAblation(b!);
  expect((await listAblations()).readable).toEqual([b, a]);
  await deleteAblation(b!.id);
  expect((await listAblations()).readable).toEqual([a]);
  await deleteAblation(a!.id);
  await expect(changeAblation(a!.id, (ablation) => ablation)).rejects.toMatchObject({ code: "ablation.missing" });
  expect(ablationLock(a!.id)).toMatch(/^anneal-ablation:/);
});

test("changes made at once are all kept; one that throws stores nothing", async () => {
  const ablation = newOne("c");
  await saveAblation(ablation);
  await Promise.all(
    ablation.cells.map((cell, i) => changeAblation(ablation.id, (now) => withCell(now, cell, { run: `run:${i}` }))),
  );
  await expect(
    changeAblation(ablation.id, () => {
      throw new RangeError("no");
    }),
  ).rejects.toMatchObject({ code: "storage.failed" });
  const [stored] = (await listAblations()).readable;
  expect(stored!.cells.map(({ run }) => run)).toEqual(["run:0", "run:1", "run:2", "run:3"]);
  await deleteAblation(ablation.id);
});

test("a record of a form that is not known is counted and leaves the others", async () => {
  const ablation = newOne("d");
  await saveAblation(ablation);
  await write(["ablations"], (tx) => tx.objectStore("ablations").put({ id: "ablation:x", createdAt: 3, version: 9 }));
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  expect(await listAblations()).toEqual({ readable: [ablation], unreadable: 1 });
  expect(warn).toHaveBeenCalledOnce();
});

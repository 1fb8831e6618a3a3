/** @file A database of an earlier version opens with its records and has what came since. */

import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { newRecipe } from "../core/recipe";
import { newRun } from "../core/run";
import { newBrowserRunStore } from "./browserRunStore";
import { listGroupSteps } from "./groups";
import { getRun, readHistory } from "./runs";

/** As version 5 made it. */
function oldDatabase(records: Record<string, unknown[]>): Promise<void> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("anneal", 5);
    opening.onerror = () => reject(opening.error ?? new Error("not opened"));
    opening.onupgradeneeded = () => {
      const db = opening.result;
      for (const name of ["runs", "datasets", "models", "adapters", "ablations"])
        db.createObjectStore(name, { keyPath: "id" }).createIndex("createdAt", "createdAt");
      db.createObjectStore("events", { keyPath: ["run", "step", "kind"] });
      db.createObjectStore("checkpoints", { keyPath: "run" });
      db.createObjectStore("rows", { keyPath: ["dataset", "from"] });
      db.createObjectStore("tunings", { keyPath: "adapter" });
    };
    opening.onsuccess = () => {
      const db = opening.result;
      const tx = db.transaction(Object.keys(records), "readwrite");
      for (const [name, list] of Object.entries(records)) for (const one of list) tx.objectStore(name).put(one);
      tx.oncomplete = () => {
        db.close();
        resolve();
      };
    };
  });
}

test("runs of before there were groups keep their history, and later ones have a place for theirs", async () => {
  const run = newRun(newRecipe(), "old");
  const value = { step: 1, "train/loss": 2 };
  await oldDatabase({ runs: [run], events: [{ run: run.id, step: 1, kind: "step", value }] });
  expect(await getRun(run.id)).toEqual(run);
  expect((await readHistory(run.id)).steps).toEqual([value]);
  expect(await listGroupSteps(run.id)).toEqual([]);
  await newBrowserRunStore().save(run, [{ event: "groups", groups: { step: 2, rewardNames: [], groups: [] } }]);
  expect(await listGroupSteps(run.id)).toEqual([2]);
});

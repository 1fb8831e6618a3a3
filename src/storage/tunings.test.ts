import "fake-indexeddb/auto";
import { openDB } from "idb";
import { expect, it } from "vitest";
import { readTuning, writeTuning } from "./tunings";

it("keeps each adapter's tuning, in a database of the first version too", async () => {
  const old = await openDB("anneal", 1, {
    upgrade(db) {
      db.createObjectStore("runs", { keyPath: "id" }).createIndex("createdAt", "createdAt");
      db.createObjectStore("events", { keyPath: ["run", "step", "kind"] });
      db.createObjectStore("checkpoints", { keyPath: "run" });
      db.createObjectStore("datasets", { keyPath: "id" }).createIndex("createdAt", "createdAt");
      db.createObjectStore("rows", { keyPath: ["dataset", "from"] });
    },
  });
  await old.put("runs", { id: "kept", createdAt: 1 });
  old.close();
  expect(await readTuning("a card")).toEqual({});
  await writeTuning("a card", { "forward 4 40 64 0": "tile2" });
  await writeTuning("another", {});
  expect(await readTuning("a card")).toEqual({ "forward 4 40 64 0": "tile2" });
  expect(await readTuning("another")).toEqual({});
  const now = await openDB("anneal");
  expect(await now.get("runs", "kept")).toEqual({ id: "kept", createdAt: 1 });
  now.close();
});

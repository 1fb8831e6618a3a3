import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import type { Dataset, Row } from "../core/dataset";
import { newId } from "../core/ids";
import { say, sentence } from "../core/say";
import { bytes, millis } from "../core/units";
import { deleteDataset, getDataset, listDatasets, newDatasetWriter, readRows } from "./datasets";
import { newNodeBigFiles } from "./node/nodeBigFiles";
import { newNodeFiles } from "./node/nodeFiles";
import { sweepStorage } from "./sweepStorage";

const noBigFiles = newNodeBigFiles("/nowhere");

const noFiles = newNodeFiles("/nonexistent");

function newDataset(rows: number): Dataset {
  return {
    id: newId("dataset"),
    version: 1,
    name: "sums",
    createdAt: millis(rows),
    bytes: bytes(1),
    hash: "",
    rows,
    columns: ["q"],
    mapping: { format: "text", prompt: [], completion: "q", turns: "" },
    skipped: [],
    skippedCount: 0,
    licence: "",
  };
}

async function store(rows: Row[], batch = 97): Promise<Dataset> {
  const dataset = newDataset(rows.length);
  const writer = newDatasetWriter(dataset);
  for (let i = 0; i < rows.length; i += batch) await writer.append(rows.slice(i, i + batch));
  await writer.commit(dataset);
  return dataset;
}

test("rows come back from any place, in any number", async () => {
  const rows = Array.from({ length: 1777 }, (_, i): Row => ({ q: `row ${i}\nsecond line`, n: i, list: [i, null] }));
  const { id } = await store(rows);
  expect(await readRows(id, 0, 5000)).toEqual(rows);
  for (const [from, count] of [
    [0, 1],
    [499, 2],
    [500, 500],
    [1234, 543],
    [1776, 1],
    [1776, 10],
    [1777, 5],
    [9999, 1],
    [3, 0],
  ] as const) {
    expect(await readRows(id, from, count)).toEqual(rows.slice(from, from + count));
  }
});

test("long rows are stored in chunks of their own, short ones still found", async () => {
  const sizes = [10, 3_000_000, 10, 2_000_000, 2_000_000, 5];
  const rows = sizes.map((size, i): Row => ({ q: `${i}`.repeat(size) }));
  const { id } = await store(rows, 4);
  for (let i = 0; i < rows.length; i++) expect(await readRows(id, i, 1)).toEqual([rows[i]]);
});

test("a row with a key named __proto__ comes back as it went in", async () => {
  const row = JSON.parse('{"q":"a","__proto__":{"polluted":true}}') as Row;
  const [back] = await readRows((await store([row])).id, 0, 1);
  expect(Object.keys(back ?? {})).toEqual(["q", "__proto__"]);
  expect((back as { polluted?: boolean }).polluted).toBeUndefined();
});

test("a data set exists when it is committed, and is gone when it is deleted", async () => {
  const dataset = newDataset(1);
  const writer = newDatasetWriter(dataset);
  await writer.append([{ q: "a" }]);
  await expect(getDataset(dataset.id)).rejects.toMatchObject({ code: "dataset.missing" });
  await writer.commit(dataset);
  expect(await getDataset(dataset.id)).toEqual(dataset);
  expect((await listDatasets()).readable).toContainEqual(dataset);
  await deleteDataset(dataset.id);
  await expect(readRows(dataset.id, 0, 1)).rejects.toMatchObject({ code: "dataset.missing" });
});

async function rowChunks(id: string): Promise<number> {
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open("anneal");
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(new Error("cannot open"));
    };
  });
  const count = await new Promise<number>((resolve) => {
    const request = db
      .transaction("rows")
      .objectStore("rows")
      .count(IDBKeyRange.bound([id], [id, []]));
    request.onsuccess = () => {
      resolve(request.result);
    };
  });
  db.close();
  return count;
}

test("an import under way is left alone by the sweep, an aborted or orphaned one leaves nothing", async () => {
  const many = Array.from({ length: 1200 }, (_, i): Row => ({ q: "x".repeat(4000), i }));
  const alive = newDataset(1);
  const writer = newDatasetWriter(alive);
  await writer.append(many);
  const kept = await store(many);
  expect(await rowChunks(alive.id)).toBeGreaterThan(0);
  await sweepStorage(noFiles, noBigFiles);
  expect(await rowChunks(alive.id)).toBeGreaterThan(0);
  await writer.abort();
  expect(await rowChunks(alive.id)).toBe(0);

  const db = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open("anneal");
    request.onsuccess = () => {
      resolve(request.result);
    };
  });
  const tx = db.transaction("rows", "readwrite");
  for (const from of [0, 500, 1000])
    tx.objectStore("rows").put({ dataset: "dataset:orphan", from, count: 1, text: "{}" });
  await new Promise((resolve) => {
    tx.oncomplete = resolve;
  });
  db.close();
  expect(await rowChunks("dataset:orphan")).toBe(3);
  await sweepStorage(noFiles, noBigFiles);
  expect(await rowChunks("dataset:orphan")).toBe(0);
  expect(await readRows(kept.id, 1199, 1)).toEqual([many[1199]]);
});

test("reasons stored as plain text are read as sentences; others come back as they were", async () => {
  const old = { line: 2, reason: "has 1 field where the header has {{0}}" };
  const now = { line: 3, reason: say`record ${7} ${say`is not UTF-8`}` };
  const dataset = { ...newDataset(0), skipped: [old, now] } as unknown as Dataset;
  await newDatasetWriter(dataset).commit(dataset);
  expect((await getDataset(dataset.id)).skipped).toEqual([{ line: 2, reason: sentence(old.reason) }, now]);
  const torn = { ...newDataset(0), skipped: [{ line: 1, reason: { key: 1 } }] } as unknown as Dataset;
  await newDatasetWriter(torn).commit(torn);
  await expect(getDataset(torn.id)).rejects.toMatchObject({ code: "storage.failed" });
});

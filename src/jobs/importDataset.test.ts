import "fake-indexeddb/auto";
import { createHash } from "node:crypto";
import { existsSync, openAsBlob, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Mapping } from "../core/dataset";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { getDataset, listDatasets, newDatasetWriter, readRows } from "../storage/datasets";
import { type Faults, failObjectStores } from "../storage/failingStorage";
import { importDataset } from "./importDataset";
import { inspectFile } from "./inspectFile";

const data = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "data");
const absent = !existsSync(data) && !process.env["CI"];
const open = async (name: string) =>
  Object.assign(await openAsBlob(path.join(data, name)), { name: path.basename(name) });
const newFile = (text: string, name: string) => Object.assign(new Blob([text]), { name });
const pairs: Mapping = { format: "prompt-completion", prompt: ["q"], completion: "a", turns: "" };

/** How many row chunks lie in the database, whoever's they are. */
async function chunksStored(): Promise<number> {
  const db = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open("anneal");
    request.onsuccess = () => {
      resolve(request.result);
    };
  });
  const count = await new Promise<number>((resolve) => {
    const request = db.transaction("rows").objectStore("rows").count();
    request.onsuccess = () => {
      resolve(request.result);
    };
  });
  db.close();
  return count;
}

test.skipIf(absent)("GSM8K's file comes in whole", async () => {
  const file = await open("gsm8k/train.jsonl");
  const { mapping, container, examples } = await inspectFile(file);
  expect(container).toBe("jsonl");
  expect(mapping).toEqual({ format: "gsm8k", prompt: ["question"], completion: "answer", turns: "" });
  expect(examples[0]).toMatchObject({ completion: expect.stringContaining("#### 72") as string });
  const told: number[] = [];
  const result = await importDataset({
    file,
    name: "GSM8K",
    mapping,
    onBad: "report",
    onProgress: ({ done }) => told.push(done),
  });
  if (!("dataset" in result)) throw new Error("refused");
  const bytes = readFileSync(path.join(data, "gsm8k/train.jsonl"));
  expect(result.dataset).toMatchObject({
    rows: 7473,
    columns: ["question", "answer"],
    bytes: bytes.length,
    hash: createHash("sha256").update(bytes).digest("hex"),
  });
  expect(await getDataset(result.dataset.id)).toEqual(result.dataset);
  const lines = bytes.toString().trim().split("\n");
  const stored = await readRows(result.dataset.id, 0, 10_000);
  expect(stored.map((row) => JSON.stringify(row))).toEqual(lines.map((line) => JSON.stringify(JSON.parse(line))));
  expect(told.at(-1)).toBe(bytes.length);
  expect(told).toEqual([...told].sort((a, b) => a - b));
});

test.skipIf(absent).each([
  ["formats/alpaca_en_demo.json", "json", "alpaca", 999, 0],
  ["formats/alpaca_zh_demo.json", "json", "alpaca", 1000, 0],
  ["formats/fastchat_dummy_conversation.json", "json", "sharegpt", 500, 0],
  ["formats/glaive_toolcall_en_demo.json", "json", "sharegpt", 300, 0],
  ["formats/kto_en_demo.json", "json", "unpaired", 300, 0],
  ["formats/dpo_en_demo.json", "json", "preference", 300, 0],
  ["formats/dpo_zh_demo.json", "json", "preference", 300, 0],
  ["formats/v1_sft_demo.jsonl", "jsonl", "messages", 500, 0],
  ["formats/wiki_demo.txt", "text", "text", 30, 0],
  ["belle/eval_set.jsonl", "jsonl", "prompt-completion", 631, 369], // so many have no answer
  ["cmath/cmath_dev.jsonl", "jsonl", "prompt-completion", 600, 0],
  ["cmath/distractor.jsonl", "jsonl", "prompt-completion", 360, 0],
  ["aqua/test.jsonl", "jsonl", "prompt-completion", 254, 0],
  ["mathqa/test.json", "json", "prompt-completion", 2985, 0],
  ["gsm-hard/gsmhardv2.jsonl", "jsonl", "prompt-completion", 1319, 0],
] as const)("%s is read as %s of %s", async (name, container, format, rows, bad) => {
  const file = await open(name);
  const inspection = await inspectFile(file);
  expect(inspection.container).toBe(container);
  expect(inspection.mapping.format).toBe(format);
  const result = await importDataset({ file, name, mapping: inspection.mapping, onBad: "skip" });
  expect(result).toMatchObject({ dataset: { rows, skippedCount: bad, columns: inspection.columns } });
});

const mixed = '{"q":"1","a":"x"}\nnot json\n{"q":"2","a":""}\n{"q":"3","a":"y"}\n';

test("bad rows are reported and nothing is stored, or they are skipped and listed", async () => {
  const file = newFile(mixed, "mixed.jsonl");
  const before = await chunksStored();
  const bad = [
    { line: 2, reason: expect.objectContaining({ key: "is not JSON at its byte {{0}}: {{1}}" }) as Said },
    { line: 3, reason: say`The column "${"a"}" is empty` },
  ];
  expect(await importDataset({ file, name: "m", mapping: pairs, onBad: "report" })).toEqual({
    bad,
    badCount: 2,
    rows: 2,
  });
  expect(await chunksStored()).toBe(before);
  const result = await importDataset({ file, name: "m", mapping: pairs, onBad: "skip" });
  if (!("dataset" in result)) throw new Error("not stored");
  expect(result.dataset).toMatchObject({ rows: 2, skipped: bad, skippedCount: 2 });
  expect(await readRows(result.dataset.id, 0, 9)).toEqual([
    { q: "1", a: "x" },
    { q: "3", a: "y" },
  ]);
});

test("the first thousand bad rows are listed, all are counted", async () => {
  const file = newFile(`${"x\n".repeat(2500)}{"q":"1","a":"x"}`, "bad.jsonl");
  const result = await importDataset({ file, name: "m", mapping: pairs, onBad: "report" });
  if (!("bad" in result)) throw new Error("stored");
  expect([result.bad.length, result.badCount, result.rows]).toEqual([1000, 2500, 1]);
});

test("no usable row at all is said, with the first reason", async () => {
  const file = newFile('{"q":"1"}\n', "none.jsonl");
  await expect(importDataset({ file, name: "m", mapping: pairs, onBad: "skip" })).rejects.toMatchObject({
    code: "dataset.empty",
    message: expect.stringContaining("Line 1") as string,
  });
});

const big = Array.from({ length: 6000 }, (_, i) => JSON.stringify({ q: `${i}`, a: "x".repeat(1000) })).join("\n");

test("stopped at any moment, an import leaves nothing", async () => {
  const file = newFile(big, "big.jsonl");
  const [sets, chunks] = [await listDatasets(), await chunksStored()];
  for (const stopAt of [0, 1, 3]) {
    const controller = new AbortController();
    let told = 0;
    let appended = 0;
    const work = importDataset({
      file,
      name: "big",
      mapping: pairs,
      onBad: "report",
      signal: controller.signal,
      newWriter(record) {
        const writer = newDatasetWriter(record);
        const append: typeof writer.append = async (rows) => {
          await writer.append(rows);
          appended += rows.length;
          if (told++ >= stopAt) controller.abort(new StudioError("task.aborted"));
        };
        return { ...writer, append };
      },
    });
    await expect(work).rejects.toMatchObject({ code: "task.aborted" });
    expect(appended).toBeLessThan(6000);
    expect(await chunksStored()).toBe(chunks);
  }
  expect(await listDatasets()).toEqual(sets);
});

test("a file broken at its end, or a full disk in the middle, leaves nothing either", async () => {
  const [sets, chunks] = [await listDatasets(), await chunksStored()];
  const broken = newFile(`[${big.replaceAll("\n", ",")},{"q":`, "big.json");
  await expect(importDataset({ file: broken, name: "b", mapping: pairs, onBad: "skip" })).rejects.toMatchObject({
    code: "dataset.format",
  });
  // twelve chunks, and the record last
  for (const failAt of [1, 3, 13]) {
    const faults: Faults = { calls: 0, failAt, failure: "refuse", error: "QuotaExceededError" };
    const heal = failObjectStores(faults);
    const work = importDataset({ file: newFile(big, "big.jsonl"), name: "b", mapping: pairs, onBad: "skip" });
    await expect(work.finally(heal)).rejects.toMatchObject({ code: "storage.full" });
    expect(await chunksStored()).toBe(chunks);
  }
  expect(await listDatasets()).toEqual(sets);
});

test("a first look reads no more of a large file than it needs, and names what is wrong", async () => {
  let read = 0;
  const file = newFile("", "huge.jsonl");
  const line = new TextEncoder().encode(`{"q":"1","a":"${"x".repeat(5000)}"}\n`);
  const endless = Object.assign(file, {
    slice: () => new Blob([line]),
    stream: () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          read += line.length;
          controller.enqueue(line);
        },
      }),
  });
  Object.defineProperty(endless, "size", { value: 1e12 });
  const inspection = await inspectFile(endless);
  expect(inspection.first).toHaveLength(20);
  expect(read).toBeLessThan(2 ** 20);
  await expect(inspectFile(newFile("nonsense\n", "a.jsonl"))).rejects.toMatchObject({ code: "dataset.row" });
  await expect(inspectFile(newFile("\n\n", "a.jsonl"))).rejects.toMatchObject({ code: "dataset.empty" });
  await expect(inspectFile(newFile("a,b\n", "a.csv"))).rejects.toMatchObject({ code: "dataset.empty" });
  await expect(inspectFile(newFile(mixed, "a.jsonl"), { ...pairs, completion: "c" })).rejects.toThrow(/no column "c"/);
  const chosen = await inspectFile(newFile(mixed, "a.jsonl"), { ...pairs, prompt: ["a"], completion: "q" });
  expect(chosen.examples).toEqual([
    { prompt: "x", completion: "1" },
    { reason: say`Nothing stands in ${'"a"'}` },
    { prompt: "y", completion: "3" },
  ]);
});

import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { embeddedDataset } from "../core/ids";
import { exportDataset } from "./exportDataset";
import { importDataset } from "./importDataset";
import { inspectFile } from "./inspectFile";

const noAsset = () => Promise.resolve(null);
const { signal } = new AbortController();

/** Imports lines under their own mapping and gives back what is exported. */
async function roundTrip(rows: object[]): Promise<unknown[]> {
  const file = Object.assign(new Blob([rows.map((row) => JSON.stringify(row)).join("\n")]), { name: "rows.jsonl" });
  const { mapping } = await inspectFile(file);
  const result = await importDataset({ file, name: "rows", mapping, onBad: "report" });
  if (!("dataset" in result)) throw new Error("refused");
  const text = await (await exportDataset(result.dataset.id, noAsset, signal)).text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

const user = { role: "user", content: "q" };
const assistant = (content: string) => ({ role: "assistant", content });

test("preferences of any form leave in TRL's explicit one, and come in again as they left", async () => {
  const wanted = [{ prompt: "q", chosen: "a", rejected: "b" }];
  expect(await roundTrip([{ chosen: [user, assistant("a")], rejected: [user, assistant("b")] }])).toEqual(wanted);
  expect(await roundTrip([{ instruction: "q", input: "", output: ["a", "b"] }])).toEqual(wanted);
  expect(await roundTrip(wanted)).toEqual(wanted);
  const judged = [{ prompt: "q", chosen: "a", rejected: "b", dimension: "brevity" }];
  expect(await roundTrip(judged)).toEqual(judged);
});

test("labelled answers leave in TRL's unpaired form, other rows as they came", async () => {
  expect(await roundTrip([{ messages: [user, assistant("a")], kto_tag: "false" }])).toEqual([
    { prompt: "q", completion: "a", label: false },
  ]);
  const rows = Array.from({ length: 4001 }, (_, i) => ({ question: `q${i}`, answer: `#### ${i}`, more: [i, null] }));
  expect(await roundTrip(rows)).toEqual(rows);
});

test("the embedded data leaves as it ships; what is gone is said", async () => {
  const shipped = await exportDataset(embeddedDataset, () => Promise.resolve(new TextEncoder().encode("{}\n")), signal);
  expect(await shipped.text()).toBe("{}\n");
  await expect(exportDataset(embeddedDataset, noAsset, signal)).rejects.toMatchObject({ code: "dataset.missing" });
  await expect(exportDataset("dataset:gone", noAsset, signal)).rejects.toMatchObject({ code: "dataset.missing" });
});

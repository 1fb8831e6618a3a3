import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import { type Feedback, feedbackDataset, feedbackPairs } from "../core/feedback";
import { toExample } from "../data/example";
import { deleteDataset, getDataset, listDatasets, readRows } from "../storage/datasets";
import { type Faults, failObjectStores } from "../storage/failingStorage";
import { saveFeedback } from "./saveFeedback";

const names = { answers: "Feedback", pairs: "Pairs" };
const said = (base: boolean | null, tuned: boolean | null, changes: Partial<Feedback> = {}): Feedback => ({
  turn: "t1",
  prompt: "2+2?",
  answers: [
    { text: " 5\n", label: base, model: "embedded" },
    { text: " 4", label: tuned, model: "run 1" },
  ],
  names,
  ...changes,
});
const rowsOf = async (id: typeof feedbackDataset) => {
  const { readable } = await listDatasets();
  return readable.some((each) => each.id === id) ? readRows(id, 0, 100) : null;
};

beforeEach(async () => {
  await deleteDataset(feedbackDataset);
  await deleteDataset(feedbackPairs);
});

test("a thumb makes the data set, another is appended, and both can be trained on", async () => {
  expect(await saveFeedback(said(false, null))).toEqual({ answers: 1, pairs: 0 });
  await saveFeedback(said(null, true, { turn: "t2", prompt: "3+1?" }));
  const dataset = await getDataset(feedbackDataset);
  expect(dataset).toMatchObject({ name: "Feedback", rows: 2, mapping: { format: "unpaired" } });
  const rows = await readRows(feedbackDataset, 0, 2);
  expect(dataset.bytes).toBe(rows.map((row) => JSON.stringify(row).length + 1).reduce((a, b) => a + b));
  expect(rows.map((row) => toExample(row, dataset.mapping))).toEqual([
    { prompt: "2+2?", completion: "5", label: false },
    { prompt: "3+1?", completion: "4", label: true },
  ]);
  expect(rows.map((row) => row["model"])).toEqual(["embedded", "run 1"]);
  expect(await rowsOf(feedbackPairs)).toBe(null);
});

test("one up and one down are a preference as well", async () => {
  expect(await saveFeedback(said(false, true))).toEqual({ answers: 2, pairs: 1 });
  const { mapping, rows } = await getDataset(feedbackPairs);
  expect(rows).toBe(1);
  const [row] = await readRows(feedbackPairs, 0, 1);
  expect(toExample(row ?? {}, mapping)).toEqual({ prompt: "2+2?", completion: "4", rejected: "5" });
});

test("a thumb can be turned and taken back; the last row takes its data set along", async () => {
  await saveFeedback(said(false, true));
  await saveFeedback(said(true, null, { turn: "t2" }));
  await saveFeedback(said(true, false));
  expect(await rowsOf(feedbackPairs)).toMatchObject([{ chosen: "5", rejected: "4" }]);
  expect((await rowsOf(feedbackDataset))?.map(({ id, label }) => [id, label])).toEqual([
    ["t1.0", true],
    ["t1.1", false],
    ["t2.0", true],
  ]);
  await saveFeedback(said(true, null));
  expect(await rowsOf(feedbackPairs)).toBe(null);
  expect((await rowsOf(feedbackDataset))?.map(({ id }) => id)).toEqual(["t1.0", "t2.0"]);
  await saveFeedback(said(null, null));
  await saveFeedback(said(null, null, { turn: "t2" }));
  expect(await rowsOf(feedbackDataset)).toBe(null);
});

test("both up, both down, the same answer twice or none at all are no preference", async () => {
  expect(await saveFeedback(said(true, true))).toEqual({ answers: 2, pairs: 0 });
  expect(await saveFeedback(said(false, false))).toEqual({ answers: 2, pairs: 0 });
  const same = [true, false].map((label) => ({ text: "4 ", label, model: "m" }));
  expect(await saveFeedback(said(null, null, { answers: same }))).toEqual({ answers: 2, pairs: 0 });
  const empty = [true, false].map((label) => ({ text: label ? "4" : " ", label, model: "m" }));
  expect(await saveFeedback(said(null, null, { answers: empty }))).toEqual({ answers: 1, pairs: 0 });
});

test("thumbs at the same moment all stay", async () => {
  await Promise.all(Array.from({ length: 20 }, (_, i) => saveFeedback(said(false, true, { turn: `t${i}` }))));
  expect(await rowsOf(feedbackDataset)).toHaveLength(40);
  expect((await getDataset(feedbackPairs)).rows).toBe(20);
});

test("what cannot be stored leaves what was there", async () => {
  await saveFeedback(said(true, null));
  // a delete, the rows and the record of either data set
  for (const failAt of [1, 2, 3, 4, 5, 6]) {
    const faults: Faults = { calls: 0, failAt, failure: "refuse", error: "QuotaExceededError" };
    const heal = failObjectStores(faults);
    const work = saveFeedback(said(false, true, { turn: "t2" }));
    await expect(work.finally(heal)).rejects.toMatchObject({ code: "storage.full" });
    expect((await rowsOf(feedbackDataset))?.map(({ id }) => id)).toEqual(["t1.0"]);
    expect(await rowsOf(feedbackPairs)).toBe(null);
  }
});

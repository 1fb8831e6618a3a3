import "fake-indexeddb/auto";
import { expect, test, vi } from "vitest";
import type { Dataset } from "../core/dataset";
import { newId } from "../core/ids";
import { bytes, millis } from "../core/units";
import { editDatasets, newDatasetWriter } from "../storage/datasets";
import { forgetRows, rowAt, showRows, useDatasetRows } from "./datasetRows";

async function storeRows(rows: number): Promise<Dataset> {
  const dataset: Dataset = {
    id: newId("dataset"),
    version: 1,
    name: "rows",
    createdAt: millis(1),
    bytes: bytes(1),
    hash: "",
    rows,
    columns: ["n"],
    mapping: { format: "text", prompt: [], completion: "n", turns: "" },
    skipped: [],
    skippedCount: 0,
    licence: "",
  };
  const writer = newDatasetWriter(dataset);
  await writer.append(Array.from({ length: rows }, (_, n) => ({ n })));
  await writer.commit(dataset);
  return dataset;
}

const at = (index: number) => rowAt(useDatasetRows.getState(), index);

test("rows in view come, wherever one jumps to, and far ones are let go", async () => {
  const { id } = await storeRows(20_000);
  showRows(id, 0, 30);
  expect(at(0)).toBeUndefined();
  await vi.waitFor(() => expect(at(30)).toEqual({ n: 30 }));
  showRows(id, 19_980, 19_999);
  await vi.waitFor(() => expect(at(19_999)).toEqual({ n: 19_999 }));
  for (let row = 19_500; row > 0; row -= 500) {
    showRows(id, row, row + 20);
    await vi.waitFor(() => expect(at(row)).toEqual({ n: row }));
  }
  expect(useDatasetRows.getState().pages.size).toBeLessThanOrEqual(24);
  expect(at(19_999)).toBeUndefined();
});

test("another data set's rows replace the first's, and what is missing is told", async () => {
  const first = await storeRows(10);
  const second = await storeRows(3);
  showRows(first.id, 0, 9);
  showRows(second.id, 0, 2);
  await vi.waitFor(() => expect(at(2)).toEqual({ n: 2 }));
  expect(at(9)).toBeUndefined();
  showRows(newId("dataset"), 0, 2);
  await vi.waitFor(() => expect(useDatasetRows.getState().error).toMatchObject({ code: "dataset.missing" }));
});

test("a data set that grows is read anew once it is forgotten", async () => {
  const { id } = await storeRows(2);
  showRows(id, 0, 1);
  await vi.waitFor(() => expect(at(1)).toEqual({ n: 1 }));
  await editDatasets([
    [id, (stored) => stored && { dataset: { ...stored.dataset, rows: 3 }, rows: [...stored.rows, { n: 2 }] }],
  ]);
  forgetRows(newId("dataset"));
  expect(at(1)).toEqual({ n: 1 });
  forgetRows(id);
  showRows(id, 0, 2);
  await vi.waitFor(() => expect(at(2)).toEqual({ n: 2 }));
});

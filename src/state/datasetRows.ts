/** @file The rows of one data set that are on screen, read from storage in pages as they scroll into view. */

import { create } from "zustand";
import type { Row } from "../core/dataset";
import { type DatasetId, embeddedDataset } from "../core/ids";
import { readRows } from "../storage/datasets";
import { embeddedRows } from "./embeddedRows";

/** As many rows as storage keeps in a chunk, so that a page is one read. */
const pageRows = 500;
/** Pages kept; the farthest from the rows in view are let go first. */
const keptPages = 24;

type State = { dataset: DatasetId | null; pages: ReadonlyMap<number, readonly Row[]>; error: unknown };

export const useDatasetRows = create<State>(() => ({ dataset: null, pages: new Map(), error: null }));

const reading = new Set<string>();

async function readPage(dataset: DatasetId, page: number): Promise<readonly Row[]> {
  const from = page * pageRows;
  if (dataset === embeddedDataset) return (await embeddedRows()).slice(from, from + pageRows);
  return readRows(dataset, from, pageRows);
}

async function loadPage(dataset: DatasetId, page: number) {
  const name = `${dataset}/${page}`;
  if (reading.has(name)) return;
  reading.add(name);
  try {
    const rows = await readPage(dataset, page);
    const state = useDatasetRows.getState();
    if (state.dataset !== dataset) return; // another data set came into view meanwhile
    const kept = [...state.pages].sort(([a], [b]) => Math.abs(a - page) - Math.abs(b - page)).slice(0, keptPages - 1);
    useDatasetRows.setState({ pages: new Map([...kept, [page, rows]]) });
  } catch (error) {
    if (useDatasetRows.getState().dataset === dataset) useDatasetRows.setState({ error });
  } finally {
    reading.delete(name);
  }
}

/** Makes sure rows `first` … `last` are being read. */
export function showRows(dataset: DatasetId, first: number, last: number) {
  if (useDatasetRows.getState().dataset !== dataset) {
    useDatasetRows.setState({ dataset, pages: new Map(), error: null }, true);
  }
  const { pages } = useDatasetRows.getState();
  for (let page = Math.floor(first / pageRows); page <= Math.floor(last / pageRows); page++) {
    if (!pages.has(page)) void loadPage(dataset, page);
  }
}

/** A row has changed: the page it is on is read again, while the old one stays in view. */
export async function rereadRow(dataset: DatasetId, row: number): Promise<void> {
  const page = Math.floor(row / pageRows);
  const { dataset: shown, pages } = useDatasetRows.getState();
  if (shown === dataset && pages.has(page)) await loadPage(dataset, page);
}

/** The data set has changed: what was read of it is read again when it is next in view. */
export function forgetRows(dataset: DatasetId) {
  if (useDatasetRows.getState().dataset === dataset) {
    useDatasetRows.setState({ dataset: null, pages: new Map(), error: null }, true);
  }
}

/** A row in view, or undefined while it is being read. */
export function rowAt({ pages }: State, index: number): Row | undefined {
  return pages.get(Math.floor(index / pageRows))?.[index % pageRows];
}

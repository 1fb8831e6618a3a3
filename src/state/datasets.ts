/** @file The data sets the page shows: the embedded one and those in storage. */

import { create } from "zustand";
import type { Dataset } from "../core/dataset";
import { type DatasetId, embeddedDataset } from "../core/ids";
import type { Recipe } from "../core/recipe";
import { bytes, millis } from "../core/units";
import { listDatasets } from "../storage/datasets";
import { rereadRow } from "./datasetRows";
import { embeddedSize } from "./embeddedRows";
import { openEngine } from "./engine";
import { loadPreview } from "./plan";

type State =
  | { status: "loading" }
  | { status: "failed"; error: unknown }
  /** `unreadable`: how many are stored in a form that this version does not know. */
  | { status: "ready"; datasets: readonly Dataset[]; unreadable: number };

export const useDatasets = create<State>(() => ({ status: "loading" }));

/** The data that ships with the studio, as a record like the others. */
async function embeddedRecord(): Promise<Dataset> {
  const { rows, bytes: size } = await embeddedSize();
  return {
    id: embeddedDataset,
    version: 1,
    name: "word-problems",
    createdAt: millis(0),
    bytes: bytes(size),
    hash: "",
    rows,
    columns: ["question", "answer"],
    mapping: { format: "gsm8k", prompt: ["question"], completion: "answer", turns: "" },
    skipped: [],
    skippedCount: 0,
    licence: "MIT",
  };
}

export async function loadDatasets(): Promise<void> {
  try {
    const [embedded, stored] = await Promise.all([embeddedRecord(), listDatasets()]);
    const datasets = [embedded, ...stored.readable.reverse()];
    useDatasets.setState({ status: "ready", datasets, unreadable: stored.unreadable }, true);
  } catch (error) {
    useDatasets.setState({ status: "failed", error }, true);
  }
}

/** Throws what kept it from being deleted. */
export async function deleteDataset(dataset: DatasetId): Promise<void> {
  const engine = await openEngine();
  await engine.call("dataset.delete", { dataset });
  await loadDatasets();
}

/** The rows as JSONL, those that judge in TRL's form. Throws what kept them from being read. */
export async function exportRows(dataset: DatasetId): Promise<Blob> {
  const engine = await openEngine();
  return engine.call("dataset.export", { dataset });
}

/** A recipe names the embedded data `embedded`, any other by its id. */
export const sourceOf = (id: DatasetId): string => (id === embeddedDataset ? "embedded" : id);

export const datasetOf = (source: string, datasets: readonly Dataset[]): Dataset | undefined =>
  datasets.find(({ id }) => sourceOf(id) === source);

/**
 * A row's final answer begins with this token of its preview, or (null) where its text says again.
 * Throws what kept the mark from being stored.
 */
export async function markFinal(recipe: Recipe, row: number, token: number | null): Promise<void> {
  const engine = await openEngine();
  const { id } = await engine.call("dataset.markFinal", { recipe, row, token });
  await Promise.all([rereadRow(id, row), loadDatasets()]);
  loadPreview(recipe, row);
}

/** @file The import of a file, from the look at its first rows to the data set. */

import { create } from "zustand";
import type { BadRow, Dataset, Inspection, Mapping } from "../core/dataset";
import { StudioError } from "../core/errors";
import { loadDatasets } from "./datasets";
import { openEngine } from "./engine";
import { keepStorage } from "./usage";

export type ImportProgress = { done: number; total: number; rows: number };

type Looked = { file: File; name: string; inspection: Inspection; mapping: Mapping };

export type ImportState =
  | { status: "idle" }
  | { status: "inspecting"; file: File }
  | ({ status: "mapping" } & Looked)
  | ({ status: "importing"; progress: ImportProgress } & Looked)
  /** Nothing is stored yet: the person chooses to leave the bad rows out or to stop. */
  | ({ status: "bad"; bad: readonly BadRow[]; badCount: number; rows: number } & Looked)
  | { status: "done"; dataset: Dataset }
  | { status: "failed"; file: File; error: unknown };

export const useImport = create<ImportState>(() => ({ status: "idle" }));

let underWay = new AbortController();

/** `house.of.cards.jsonl` → `house.of.cards` */
const nameOf = (file: File) => file.name.replace(/\.(jsonl|json|csv|tsv|txt|ndjson)$/i, "") || file.name;

function begin(): AbortSignal {
  underWay.abort();
  underWay = new AbortController();
  return underWay.signal;
}

/** Looks at a dropped or picked file. Failures are in the state. */
export async function inspectFile(file: File): Promise<void> {
  const signal = begin();
  useImport.setState({ status: "inspecting", file }, true);
  try {
    const engine = await openEngine();
    const inspection = await engine.call("dataset.inspect", { file }, signal);
    if (signal.aborted) return;
    useImport.setState({ status: "mapping", file, name: nameOf(file), inspection, mapping: inspection.mapping }, true);
  } catch (error) {
    if (!signal.aborted) useImport.setState({ status: "failed", file, error }, true);
  }
}

/** Takes another mapping and asks the engine what the first rows become under it. */
export async function changeMapping(mapping: Mapping): Promise<void> {
  const state = useImport.getState();
  if (state.status !== "mapping") return;
  const { file } = state;
  const signal = begin();
  useImport.setState({ ...state, mapping }, true);
  try {
    const engine = await openEngine();
    const inspection = await engine.call("dataset.inspect", { file, mapping }, signal);
    const now = useImport.getState();
    if (!signal.aborted && now.status === "mapping") useImport.setState({ ...now, inspection, mapping }, true);
  } catch (error) {
    if (!signal.aborted) useImport.setState({ status: "failed", file, error }, true);
  }
}

export function renameImport(name: string) {
  const state = useImport.getState();
  if (state.status === "mapping") useImport.setState({ ...state, name }, true);
}

/** Reads the whole file into storage. With `report` a bad row stores nothing and the bad rows are shown. */
export async function startImport(onBad: "report" | "skip"): Promise<void> {
  const state = useImport.getState();
  if (state.status !== "mapping" && state.status !== "bad") return;
  const { file, name, inspection, mapping } = state;
  const looked: Looked = { file, name, inspection, mapping };
  const signal = begin();
  const progress = crypto.randomUUID();
  const told = (at: ImportProgress) => useImport.setState({ status: "importing", ...looked, progress: at }, true);
  told({ done: 0, total: file.size, rows: 0 });
  try {
    const engine = await openEngine();
    const stop = engine.on("dataset.progress", (at) => {
      if (at.progress === progress && !signal.aborted) told({ done: at.done, total: at.total, rows: at.rows });
    });
    const result = await engine
      .call("dataset.import", { file, name: name.trim() || nameOf(file), mapping, onBad, progress }, signal)
      .finally(stop);
    if ("bad" in result) {
      if (!signal.aborted) useImport.setState({ status: "bad", ...looked, ...result }, true);
      return;
    }
    await loadDatasets();
    void keepStorage();
    if (!signal.aborted) useImport.setState({ status: "done", dataset: result.dataset }, true);
  } catch (error) {
    if (signal.aborted || (error instanceof StudioError && error.code === "task.aborted")) return;
    useImport.setState({ status: "failed", file, error }, true);
  }
}

/** Leaves the import wherever it is; the engine takes back what it has written. */
export function cancelImport() {
  underWay.abort();
  useImport.setState({ status: "idle" }, true);
}

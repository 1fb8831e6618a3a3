/** @file What a run gives away: its adapter as PEFT lays it out, or its model with the adapter merged in. */

import { create } from "zustand";
import type { RunId } from "../core/ids";
import { openExport } from "../storage/exports";
import { openEngine } from "./engine";

type State = {
  /** Runs whose adapter is being written. */
  busy: ReadonlySet<RunId>;
  failure: { run: RunId; error: unknown } | null;
  /** How far the merged model is that is being written, from 0 to 1. */
  merging: { run: RunId; share: number } | null;
};

export const useExports = create<State>(() => ({ busy: new Set(), failure: null, merging: null }));

/** Answers null where it failed: the failure is in the store then. */
async function attempt<T>(run: RunId, work: () => Promise<T>): Promise<T | null> {
  if (useExports.getState().busy.has(run)) return null;
  useExports.setState(({ busy }) => ({ busy: new Set([...busy, run]), failure: null }));
  try {
    return await work();
  } catch (error) {
    useExports.setState({ failure: { run, error } });
    return null;
  } finally {
    useExports.setState(({ busy }) => ({ busy: new Set([...busy].filter((id) => id !== run)), merging: null }));
  }
}

/** The adapter as one zip and the file's name. */
export function exportAdapter(run: RunId): Promise<{ name: string; zip: Blob } | null> {
  return attempt(run, async () => {
    const { name, zip } = await (await openEngine()).call("adapter.export", { run });
    return { name, zip: new Blob([zip], { type: "application/zip" }) };
  });
}

/** The base with the adapter merged in, as one zip that lies on disk. */
export function exportMerged(run: RunId, dtype: "float16" | "float32"): Promise<{ name: string; zip: Blob } | null> {
  return attempt(run, async () => {
    const engine = await openEngine();
    const progress = crypto.randomUUID();
    useExports.setState({ merging: { run, share: 0 } });
    const stop = engine.on("model.progress", (at) => {
      if (at.progress === progress) useExports.setState({ merging: { run, share: at.done / Math.max(1, at.total) } });
    });
    const { name, file } = await engine.call("model.merge", { run, dtype, progress }).finally(stop);
    return { name, zip: await openExport(file) };
  });
}

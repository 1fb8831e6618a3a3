/** @file What a run gives away: its adapter as PEFT lays it out. */

import { create } from "zustand";
import type { RunId } from "../core/ids";
import { openEngine } from "./engine";

type State = {
  /** Runs whose adapter is being written. */
  busy: ReadonlySet<RunId>;
  failure: { run: RunId; error: unknown } | null;
};

export const useExports = create<State>(() => ({ busy: new Set(), failure: null }));

/** The adapter as one zip and the file's name, or null where it failed: the failure is in the store then. */
export async function exportAdapter(run: RunId): Promise<{ name: string; zip: Blob } | null> {
  if (useExports.getState().busy.has(run)) return null;
  useExports.setState(({ busy }) => ({ busy: new Set([...busy, run]), failure: null }));
  try {
    const { name, zip } = await (await openEngine()).call("adapter.export", { run });
    return { name, zip: new Blob([zip], { type: "application/zip" }) };
  } catch (error) {
    useExports.setState({ failure: { run, error } });
    return null;
  } finally {
    useExports.setState(({ busy }) => ({ busy: new Set([...busy].filter((id) => id !== run)) }));
  }
}

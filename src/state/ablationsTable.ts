/** @file An ablation's table for the page, worked out again only when a run of it ends. */

import { useMemo } from "react";
import type { Ablation } from "../core/ablation";
import type { RunId } from "../core/ids";
import type { Run } from "../core/run";
import { type AblationTable, newAblationTable } from "../scoring/ablationTable";
import { useAblations } from "./ablations";
import { type QueueView, type Runs, viewQueue } from "./ablationsQueue";
import { useRuns } from "./runs";

export type { AblationRow, AblationTable, Measure } from "../scoring/ablationTable";
export { newAblationCsv, newAblationMarkdown } from "../scoring/ablationText";
export type { Estimate } from "../scoring/intervals";

/** The runs of an ablation's cells, as far as they are known. */
export function useRunsOf(ablation: Ablation): Runs {
  const state = useRuns();
  const runs = state.status === "ready" ? state.runs : null;
  return useMemo(() => {
    const wanted = new Set(ablation.cells.map(({ run }) => run));
    return new Map<RunId, Run>(runs?.flatMap((run) => (wanted.has(run.id) ? [[run.id, run]] : [])));
  }, [runs, ablation.cells]);
}

export function useAblationTable(ablation: Ablation, runs: Runs): AblationTable {
  const done = [...runs.values()].filter(({ status }) => status === "done");
  const key = done.map(({ id, peakBytes }) => `${id} ${peakBytes ?? ""}`).join(); // its end tells the peak last
  // The records of runs that are done no longer change; those under way do, many times a minute.
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` says all of `runs` that the table depends on
  return useMemo(() => newAblationTable(ablation, runs), [ablation, key]);
}

/** The newest that was going and that nobody works on. */
export function useInterruptedAblation(): Ablation | null {
  const state = useAblations();
  const known = useRuns();
  if (state.status !== "ready" || known.status !== "ready") return null;
  const runs = new Map(known.runs.map((run) => [run.id, run]));
  const isCutOff = (ablation: Ablation) => {
    const [here, elsewhere] = [state.here.has(ablation.id), state.elsewhere.has(ablation.id)];
    return viewQueue(ablation, runs, { here, elsewhere, taken: [] }).status === "interrupted";
  };
  return state.ablations.find(isCutOff) ?? null;
}

export function useQueueView(ablation: Ablation, runs: Runs): QueueView {
  const state = useAblations();
  if (state.status !== "ready") return viewQueue(ablation, runs, { here: false, elsewhere: false, taken: [] });
  const { here, elsewhere, taken } = state;
  const worker = {
    here: here.has(ablation.id),
    elsewhere: elsewhere.has(ablation.id),
    taken: taken[ablation.id] ?? [],
  };
  return viewQueue(ablation, runs, worker);
}

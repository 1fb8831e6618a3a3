/** @file What runs measure, kept outside React: append-only columns that the page samples at most twice a second. */

import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { RunId } from "../core/ids";
import type { Alert, CheckpointNote, EvalMetrics, Routing, RunEvent, Sample, StepMetrics } from "../core/metrics";
import { readHistory } from "../storage/runs";
import { appendStep, type Columns, newColumns, truncateColumns } from "./seriesColumns";

export type Progress = Extract<RunEvent, { event: "progress" }>;

/** One run's history at one moment. Never changes once handed out; news come in another. */
export type RunSeries = {
  status: "loading" | "ready" | "failed";
  error: unknown;
  columns: Columns;
  evals: readonly EvalMetrics[];
  samples: readonly Sample[];
  alerts: readonly Alert[];
  routings: readonly Routing[];
  checkpoints: readonly CheckpointNote[];
  /** What the engine is at, where that is not a training step. */
  progress: Progress | null;
};

type History = {
  steps: readonly StepMetrics[];
  evals: readonly EvalMetrics[];
  samples: readonly Sample[];
  alerts: readonly Alert[];
  routings: readonly Routing[];
  checkpoints: readonly CheckpointNote[];
};

type Entry = {
  snapshot: RunSeries;
  next: RunSeries;
  /** Events that came while the history was being read. */
  waiting: RunEvent[] | null;
  listeners: Set<() => void>;
  /** The hand-out to come. */
  timer: ReturnType<typeof setTimeout> | null;
  /** When the snapshot was handed out. */
  published: number;
};

export const emptySeries = (status: RunSeries["status"]): RunSeries => ({
  status,
  error: null,
  columns: newColumns(),
  evals: [],
  samples: [],
  alerts: [],
  routings: [],
  checkpoints: [],
  progress: null,
});

/** The history as read from storage. */
export function fromHistory(history: History): RunSeries {
  let columns = newColumns();
  for (const step of history.steps) columns = appendStep(columns, step);
  const { evals, samples, alerts, routings, checkpoints } = history;
  return { ...emptySeries("ready"), columns, evals, samples, alerts, routings, checkpoints };
}

const before = <T extends { step: number }>(list: readonly T[], step: number) =>
  (list.at(-1)?.step ?? -1) < step ? list : list.filter((entry) => entry.step < step);

/**
 * The series after an event. A step that is not later than the last one means that the run went back to a checkpoint:
 * all that was measured from that step on is measured anew, so it goes.
 */
export function applyEvent(series: RunSeries, event: RunEvent): RunSeries {
  switch (event.event) {
    case "step": {
      const { step } = event.metrics;
      const again = step <= (series.columns.step.at(-1) ?? 0);
      const columns = appendStep(again ? truncateColumns(series.columns, step) : series.columns, event.metrics);
      if (!again) return { ...series, columns, progress: null };
      return {
        ...series,
        columns,
        progress: null,
        evals: before(series.evals, step),
        samples: before(series.samples, step),
        alerts: before(series.alerts, step),
        routings: before(series.routings, step),
        checkpoints: before(series.checkpoints, step),
      };
    }
    case "eval":
      return {
        ...series,
        evals: [...before(series.evals, event.metrics.step), event.metrics],
        progress: null,
      };
    case "samples": {
      const first = event.samples[0];
      return first ? { ...series, samples: [...before(series.samples, first.step), ...event.samples] } : series;
    }
    case "routing":
      return { ...series, routings: [...before(series.routings, event.routing.step), event.routing] };
    case "alert":
      return { ...series, alerts: [...series.alerts, event.alert] };
    case "checkpoint":
      return { ...series, checkpoints: [...before(series.checkpoints, event.checkpoint.step), event.checkpoint] };
    case "change": // in the run's record
    case "groups":
      return series; // asked for one step at a time
    case "progress":
      return { ...series, progress: event };
    case "status":
      return { ...series, progress: null };
  }
}

const entries = new Map<RunId, Entry>();

/**
 * Milliseconds from one snapshot to the next. Twice a second is as fast as one reads, and on two cores drawing every
 * step takes a sixth of the engine's time (docs/lab.md).
 */
const pause = 500;

function getEntry(run: RunId): Entry {
  const known = entries.get(run);
  if (known) return known;
  const series = emptySeries("loading");
  const entry: Entry = {
    snapshot: series,
    next: series,
    waiting: [],
    listeners: new Set(),
    timer: null,
    published: -pause,
  };
  entries.set(run, entry);
  void fill(run, entry);
  return entry;
}

async function fill(run: RunId, entry: Entry) {
  try {
    entry.next = (entry.waiting ?? []).reduce(applyEvent, fromHistory(await readHistory(run)));
  } catch (error) {
    entry.next = { ...emptySeries("failed"), error };
  }
  entry.waiting = null;
  publish(entry);
}

/** Hands out what has come, at once where nothing was handed out lately, however many events came. */
function publish(entry: Entry) {
  entry.timer ??= setTimeout(
    () => {
      handOut(entry);
    },
    Math.max(0, entry.published + pause - performance.now()),
  );
}

function handOut(entry: Entry) {
  if (entry.timer !== null) clearTimeout(entry.timer);
  entry.timer = null;
  if (entry.snapshot === entry.next) return;
  entry.published = performance.now();
  entry.snapshot = entry.next;
  for (const listener of entry.listeners) listener();
}

/** Takes an event of a run in. Runs nobody has looked at are read from storage when somebody does. */
export function recordEvent(run: RunId, event: RunEvent) {
  const entry = entries.get(run);
  if (!entry) return;
  if (entry.waiting) entry.waiting.push(event);
  else {
    entry.next = applyEvent(entry.next, event);
    // a run that says it holds still or has ended must not be seen to take another step
    if (event.event === "status") handOut(entry);
    else publish(entry);
  }
}

/** Reads a run's series from storage again, or forgets it where nobody looks. */
export function reloadSeries(run: RunId) {
  const entry = entries.get(run);
  if (!entry) return;
  if (entry.listeners.size === 0) {
    entries.delete(run);
    return;
  }
  entry.waiting ??= [];
  void fill(run, entry);
}

export function subscribeSeries(run: RunId, listener: () => void): () => void {
  const entry = getEntry(run);
  entry.listeners.add(listener);
  return () => entry.listeners.delete(listener);
}

export const getSeries = (run: RunId): RunSeries => getEntry(run).snapshot;

/** A run's series, new at most twice a second. */
export function useSeries(run: RunId): RunSeries {
  const subscribe = useCallback((listener: () => void) => subscribeSeries(run, listener), [run]);
  return useSyncExternalStore(subscribe, () => getSeries(run));
}

/** Several runs' series; a list that changes only when one of them does. */
export function useSeriesOf(runs: readonly RunId[]): readonly RunSeries[] {
  const key = runs.join(" ");
  const [subscribe, getList] = useMemo(() => {
    const ids = key === "" ? [] : (key.split(" ") as RunId[]);
    let last: readonly RunSeries[] = [];
    return [
      (listener: () => void) => {
        const leave = ids.map((run) => subscribeSeries(run, listener));
        return () => {
          for (const off of leave) off();
        };
      },
      () => {
        const list = ids.map(getSeries);
        if (list.length !== last.length || list.some((series, i) => series !== last[i])) last = list;
        return last;
      },
    ] as const;
  }, [key]);
  return useSyncExternalStore(subscribe, getList);
}

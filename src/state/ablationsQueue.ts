/** @file Where an ablation's queue stands: each cell by its run, what comes next, how long it will take. Pure. */

import { type Ablation, type Cell, recipeOfCell } from "../core/ablation";
import type { RunId } from "../core/ids";
import type { RunStatusKind } from "../core/metrics";
import { stepsInAll } from "../core/recipe";
import { needsMending, type Run } from "../core/run";
import { canResume, isActive } from "./runsMirror";

/** `waiting` has no run yet; the rest are its run's states. */
export type CellStatus = "waiting" | "leftOut" | Exclude<RunStatusKind, "draft">;

export type Runs = ReadonlyMap<RunId, Run>;

export const runOf = ({ run }: Cell, runs: Runs): Run | null => (run === null ? null : (runs.get(run) ?? null));

/** A run that was deleted leaves its cell waiting. */
export function cellStatus(cell: Cell, runs: Runs): CellStatus {
  if (cell.isLeftOut) return "leftOut";
  const run = runOf(cell, runs);
  if (run && needsMending(run)) return "failed"; // the rest of the queue does not wait for it
  const status = run?.status ?? "draft";
  return status === "draft" ? "waiting" : status;
}

/** What is trained next: a run that was cut off goes on, one that failed waits until it is asked for again. */
export function nextCell(ablation: Ablation, runs: Runs): Cell | null {
  const isOpen = (cell: Cell) => {
    const run = runOf(cell, runs);
    if (cell.isLeftOut) return false;
    if (run === null || run.status === "draft") return true;
    return run.status !== "failed" && !needsMending(run) && canResume(run);
  };
  return ablation.cells.find(isOpen) ?? null;
}

/** The cell whose run is under way, in any tab. */
export function activeCell(ablation: Ablation, runs: Runs): Cell | null {
  return ablation.cells.find((cell) => isActive(runOf(cell, runs) ?? neverRun)) ?? null;
}

const neverRun = { status: "draft" } as Run;

/** A run of just this cell that its record does not name yet: the tab went away between the two. A failed one was given up. */
export function unclaimedRun(ablation: Ablation, cell: Cell, runs: Runs): Run | null {
  const claimed = new Set(ablation.cells.map(({ run }) => run));
  const recipe = recipeOfCell(ablation, cell);
  const wanted = JSON.stringify(recipe);
  const isIts = (run: Run) =>
    run.name === recipe.name && run.createdAt >= ablation.createdAt && JSON.stringify(run.recipe) === wanted;
  return [...runs.values()].find((run) => !claimed.has(run.id) && run.status !== "failed" && isIts(run)) ?? null;
}

/** `interrupted`: it was going, and nobody works on it. */
export type QueueStatus = "going" | "elsewhere" | "interrupted" | "paused" | "stopped" | "ended";

export type QueueView = {
  status: QueueStatus;
  /** Cells that are not left out, and those of them that came to an end. */
  total: number;
  done: number;
  failed: number;
  active: Cell | null;
  /** Seconds to the end of all; null before a run has told its pace. */
  secondsLeft: number | null;
};

type Worker = {
  /** Whether this tab, or another, works through the queue. */
  here: boolean;
  elsewhere: boolean;
  /** Seconds that whole cells took here, evaluations and all. */
  taken: readonly number[];
};

export function viewQueue(ablation: Ablation, runs: Runs, { here, elsewhere, taken }: Worker): QueueView {
  const cells = ablation.cells.filter(({ isLeftOut }) => !isLeftOut);
  const count = (status: CellStatus) => cells.filter((cell) => cellStatus(cell, runs) === status).length;
  const active = activeCell(ablation, runs);
  const isOver = active === null && nextCell(ablation, runs) === null;
  const asked = ablation.queue === "going" && !here ? (elsewhere ? "elsewhere" : "interrupted") : ablation.queue;
  return {
    status: isOver ? "ended" : asked,
    total: cells.length,
    done: count("done"),
    failed: count("failed"),
    active,
    secondsLeft: isOver ? 0 : secondsLeft(cells, runs, taken),
  };
}

/** By the mean of the cells that ended here; else by the training time of runs that are done or under way. */
function secondsLeft(cells: readonly Cell[], runs: Runs, taken: readonly number[]): number | null {
  const shareOf = ({ step, recipe }: Run) => Math.min(1, step / stepsInAll(recipe));
  const known = cells.flatMap((cell) => runOf(cell, runs) ?? []).filter((run) => shareOf(run) > 0.02);
  const paces = taken.length > 0 ? taken : known.map((run) => run.seconds / shareOf(run));
  if (paces.length === 0) return null;
  const whole = paces.reduce((sum, pace) => sum + pace, 0) / paces.length;
  const left = cells.reduce((sum, cell) => {
    const status = cellStatus(cell, runs);
    if (status === "done" || status === "failed") return sum;
    const run = runOf(cell, runs);
    return sum + (run ? 1 - shareOf(run) : 1);
  }, 0);
  return left * whole;
}

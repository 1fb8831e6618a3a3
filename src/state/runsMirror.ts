/** @file How the page's copy of a run's record follows what the run tells. Pure. */

import type { RunId } from "../core/ids";
import type { RunEvent } from "../core/metrics";
import { stepsInAll } from "../core/recipe";
import { needsMending, type Run } from "../core/run";

/** The record after an event: the same object where the event does not concern it. */
export function followRun(run: Run, event: RunEvent): Run {
  switch (event.event) {
    case "step":
      return { ...run, step: event.metrics.step, seconds: event.metrics.seconds };
    case "eval":
      return { ...run, before: event.metrics.step === 0 ? event.metrics : run.before, after: event.metrics };
    case "checkpoint":
      return { ...run, checkpoint: event.checkpoint.step };
    case "status":
      return { ...run, status: event.status, error: event.error ?? null };
    case "samples":
    case "alert":
    case "routing":
    case "change":
    case "groups":
    case "progress":
      return run;
  }
}

/** Whether a run is under way: training or paused, in this tab or another. */
export const isActive = (run: Run): boolean =>
  run.status === "running" || (run.status === "paused" && !needsMending(run));

/** Whether `run.resume` can take it further. */
export function canResume(run: Run): boolean {
  const ended = run.status === "interrupted" || run.status === "stopped" || run.status === "failed";
  return (ended || needsMending(run)) && run.step < stepsInAll(run.recipe);
}

/** `quickstart-3`: the recipe's name and the first number not yet taken by a run of that name. */
export function newRunName(recipeName: string, taken: readonly string[]): string {
  const numbers = taken
    .filter((name) => name.startsWith(`${recipeName}-`))
    .map((name) => Number(name.slice(recipeName.length + 1)))
    .filter((n) => Number.isInteger(n) && n > 0);
  return `${recipeName}-${Math.max(0, ...numbers) + 1}`;
}

/**
 * A run as the page shows it: one said to be under way that nobody holds was cut off when its tab went away.
 * @param held runs whose lock somebody holds
 */
export function asFound(run: Run, held: ReadonlySet<RunId>): Run {
  return isActive(run) && !held.has(run.id) ? { ...run, status: "interrupted" } : run;
}

/** @file The work on an ablation's queue: each cell's run is started or gone on with, and waited for. */

import { type Ablation, type Cell, recipeOfCell, type VariantFigures, withCell } from "../core/ablation";
import { isBase } from "../core/ablationVariants";
import { StudioError } from "../core/errors";
import type { RunId } from "../core/ids";
import type { Recipe } from "../core/recipe";
import { nextCell, type Runs, runOf, unclaimedRun } from "./ablationsQueue";

/** What the work needs of the page around it. */
export type QueueHost = {
  /** Changes the stored ablation and answers it. Throws where it is gone or cannot be stored. */
  change: (by: (ablation: Ablation) => Ablation) => Promise<Ablation>;
  runs: () => Runs;
  /** Resolves when this tab's engine trains nothing: it trains one run at a time, whoever asked for it. */
  untilIdle: () => Promise<void>;
  /** Resolves when the run has come to an end of whatever kind. */
  untilEnded: (run: RunId) => Promise<void>;
  /** Throws where the recipe cannot be planned. */
  plan: (recipe: Recipe) => Promise<VariantFigures>;
  /** Answers when the run has begun. Throws what kept it from starting. */
  start: (recipe: Recipe) => Promise<RunId>;
  resume: (run: RunId) => void;
  rest: (run: RunId, how: "paused" | "stopped") => Promise<void>;
  /** Why the run was let go of, where it did not end by itself. */
  failure: (run: RunId) => unknown;
  /** Seconds that a whole cell took. */
  onTaken: (seconds: number) => void;
};

/**
 * Trains cell after cell, until none is left or the queue is to rest. A run that fails is passed over; a run that is
 * stopped by hand pauses the queue. Throws where the engine or the storage fails.
 */
export async function workQueue(host: QueueHost): Promise<void> {
  while (await workOnNext(host));
}

async function workOnNext(host: QueueHost): Promise<boolean> {
  await host.untilIdle();
  const ablation = await host.change((old) => old);
  const cell = ablation.queue === "going" ? nextCell(ablation, host.runs()) : null;
  if (!cell) return false;
  const begun = performance.now();
  const { run, isWhole } = await beginCell(host, ablation, cell);
  await host.untilEnded(run);
  const status = host.runs().get(run)?.status;
  if (status === "interrupted") {
    const failure = host.failure(run);
    throw failure instanceof Error ? failure : new StudioError("engine.crashed");
  }
  if (status === "stopped") await host.change((old) => (old.queue === "going" ? { ...old, queue: "paused" } : old));
  if (status === "done" && isWhole) host.onTaken((performance.now() - begun) / 1000);
  return true;
}

/** Starts or resumes the cell's run, which then goes on by itself. */
async function beginCell(host: QueueHost, ablation: Ablation, cell: Cell): Promise<{ run: RunId; isWhole: boolean }> {
  const recipe = recipeOfCell(ablation, cell);
  if (!ablation.figures[cell.variant]) await keepFigures(host, cell.variant, recipe);
  const known = runOf(cell, host.runs()) ?? unclaimedRun(ablation, cell, host.runs());
  if (known) {
    await host.change((now) => withCell(now, cell, { run: known.id }));
    const isOpen = nextCell({ ...ablation, cells: [{ ...cell, run: known.id }] }, host.runs()) !== null;
    if (isOpen) host.resume(known.id);
    return { run: known.id, isWhole: false };
  }
  const run = await host.start(recipe);
  const { queue } = await host.change((now) => withCell(now, cell, { run }));
  if (queue !== "going") await host.rest(run, queue); // asked for while the run was being prepared
  return { run, isWhole: true };
}

/** What the plan says of a variant. Where it cannot be planned, its run says why. */
async function keepFigures(host: QueueHost, variant: string, recipe: Recipe): Promise<void> {
  const planned = await host.plan(recipe).catch(() => null);
  if (!planned) return;
  const figures = isBase(recipe) ? { ...planned, trained: 0, file: 0 } : planned;
  await host.change((now) => ({ ...now, figures: { ...now.figures, [variant]: figures } }));
}

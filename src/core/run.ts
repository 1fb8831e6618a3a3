/** @file A training run: its record, its validator and its migrations. */

import { parseWire, StudioError, type WireError } from "./errors";
import { newId, type RunId } from "./ids";
import type { EvalMetrics, RunStatusKind } from "./metrics";
import { parseRecipe, type Recipe } from "./recipe";
import { say } from "./say";
import { type Millis, millis } from "./units";

/** `interrupted` is a run that was running when its tab went away: it can resume. `stopped` was ended early and kept. */
export type Run = {
  id: RunId;
  version: 1;
  name: string;
  createdAt: Millis;
  recipe: Recipe;
  status: RunStatusKind;
  /** Last step whose metrics are stored. */
  step: number;
  /** Step of the last whole checkpoint, 0 where there is none. */
  checkpoint: number;
  /** Evaluations at step 0 and at the latest, for the table of runs. */
  before: EvalMetrics | null;
  after: EvalMetrics | null;
  /** Seconds of training so far. */
  seconds: number;
  backend: string;
  /** Most bytes of tensors on the device, base included; null where the device does not tell. */
  peakBytes?: number | null;
  error: WireError | null;
};

export function newRun(recipe: Recipe, name: string): Run {
  return {
    id: newId("run"),
    version: 1,
    name,
    createdAt: millis(Date.now()),
    recipe,
    status: "draft",
    step: 0,
    checkpoint: 0,
    before: null,
    after: null,
    seconds: 0,
    backend: "",
    error: null,
  };
}

/** Brings a stored record of any age to the present shape, or throws `storage.failed`. */
export function parseRun(stored: unknown): Run {
  const record = stored as Partial<Run> | null | undefined;
  if (!record || record.version !== 1 || typeof record.id !== "string" || typeof record.step !== "number") {
    throw new StudioError("storage.failed", say`A run's record is unreadable`);
  }
  return { ...(record as Run), recipe: parseRecipe(record.recipe), error: parseWire(record.error) };
}

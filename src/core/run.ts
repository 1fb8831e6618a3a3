/** @file A training run: its record, its validator and its migrations. */

import { parseWire, StudioError, type WireError } from "./errors";
import { newId, type RunId } from "./ids";
import type { EvalMetrics, RewardChange, RunStatusKind } from "./metrics";
import { parseRecipe, type Recipe } from "./recipe";
import type { RatedText } from "./reward";
import { say } from "./say";
import { type Millis, millis } from "./units";

/**
 * `interrupted` is a run that was running when its tab went away: it can resume. `stopped` was ended early and kept.
 * `paused` with an error is one that nobody holds: it waits for a reward of the user's own to be mended.
 */
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
  /** Seconds of a step of its own objective as planned: while what comes first is imitated, the time left is told by it. */
  stepSeconds?: number;
  /** Most bytes of tensors on the device, base included; null where the device does not tell. */
  peakBytes?: number | null;
  error: WireError | null;
  /** The answer that a reward of the user's own failed on, while the run waits for it to be mended. */
  failedOn?: RatedText | null;
  /** Rewards that were mended on the way, oldest first. */
  changes?: RewardChange[];
};

/** Whether it stands still until a reward of the user's own is mended: nobody trains it, and nothing is lost. */
export const needsMending = ({ status, error }: Pick<Run, "status" | "error">): boolean =>
  status === "paused" && error !== null;

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

/** @file Where a run's job keeps what must not be lost. The browser and Node each have one. */

import type { RunId } from "../core/ids";
import type { RunEvent } from "../core/metrics";
import type { Run } from "../core/run";

export type Checkpoint = { step: number; bytes: Uint8Array<ArrayBuffer> };

/** Every write throws `storage.full` or `storage.failed`, and then the old state stands. */
export type RunStore = {
  /** Record and events together: all on disk when it resolves, or none. */
  save(run: Run, events: RunEvent[]): Promise<void>;
  /** The checkpoint's file first, then record and events together, then the older file is deleted. `run.checkpoint` is its step. */
  saveCheckpoint(run: Run, events: RunEvent[], bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The newest whole checkpoint; null before the first. Throws `storage.failed` where its file is gone or cut. */
  readCheckpoint(run: RunId): Promise<Checkpoint | null>;
  /** Drops stored events after `step`, when a run goes on from a checkpoint. */
  truncate(run: RunId, step: number): Promise<void>;
  /** Throws `run.missing`. */
  getRun(id: RunId): Promise<Run>;
};

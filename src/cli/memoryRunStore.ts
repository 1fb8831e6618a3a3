/** @file A run store that keeps nothing: for a run that is not to be written to disk. */

import { StudioError } from "../core/errors";
import type { Checkpoint, RunStore } from "../storage/runStore";

export function newMemoryRunStore(): RunStore {
  let newest: Checkpoint | null = null;
  return {
    save: () => Promise.resolve(),
    saveCheckpoint: (run, _events, bytes) => {
      newest = { step: run.checkpoint, bytes };
      return Promise.resolve();
    },
    readCheckpoint: () => Promise.resolve(newest),
    truncate: () => Promise.resolve(),
    getRun: () => Promise.reject(new StudioError("run.missing")),
  };
}

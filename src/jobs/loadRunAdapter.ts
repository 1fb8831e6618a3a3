/** @file The adapter of a run's last checkpoint, on the device. */

import { StudioError } from "../core/errors";
import type { Run } from "../core/run";
import { say } from "../core/say";
import { type Adapter, loadAdapter } from "../model/adapter";
import type { Llama } from "../model/llama";
import type { RunStore } from "../storage/runStore";
import { parseCheckpoint } from "./checkpoint";

/** The caller disposes it. Throws `adapter.invalid` where there is no checkpoint yet. */
export async function loadRunAdapter(run: Run, store: RunStore, llama: Llama): Promise<Adapter> {
  // a run that is training may replace its checkpoint while we read it: the next one is there at once
  const checkpoint = await store.readCheckpoint(run.id).catch(() => store.readCheckpoint(run.id));
  if (!checkpoint) throw new StudioError("adapter.invalid", say`The run has no checkpoint yet`);
  return loadAdapter(llama, run.recipe.adaptation, parseCheckpoint(checkpoint.bytes).adapter);
}

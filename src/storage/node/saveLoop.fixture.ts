/** @file For the kill test: saves checkpoint after checkpoint and says which were acknowledged, until it is killed. */

import { writeSync } from "node:fs";
import type { StepMetrics } from "../../core/metrics";
import { newRecipe } from "../../core/recipe";
import { newRun } from "../../core/run";
import { newNodeRunStore, readRunFolder } from "./nodeRunStore";

const [dir = "", size = "0"] = process.argv.slice(2);
const store = newNodeRunStore(dir);
const run = (await readRunFolder(dir)) ?? newRun(newRecipe(), "killed");
const checkpoint = await store.readCheckpoint(run.id);
await store.truncate(run.id, checkpoint?.step ?? 0);

for (let step = (checkpoint?.step ?? 0) + 1; ; step++) {
  const events = [{ event: "step", metrics: { step, "train/loss": 1 / step } as StepMetrics }] as const;
  const bytes = new Uint8Array(Number(size) + step).fill(step % 251);
  await store.saveCheckpoint({ ...run, status: "running", step, checkpoint: step }, [...events], bytes);
  writeSync(1, `${step}\n`);
}

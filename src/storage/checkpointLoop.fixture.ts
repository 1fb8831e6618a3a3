/** @file A worker that saves one checkpoint after another until it is killed, and tells each that was acknowledged. */

import type { StepMetrics } from "../core/metrics";
import type { Run } from "../core/run";
import { newBrowserRunStore } from "./browserRunStore";

/** A checkpoint's bytes, told apart from every other step's at every place. */
export function checkpointBytes(step: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 200_000 + step }, (_, i) => (i * 31 + step * 17) % 251);
}

async function saveForEver({ run, from }: { run: Run; from: number }) {
  const store = newBrowserRunStore();
  for (let step = from; ; step++) {
    const metrics = { step, "train/loss": 1 / step } as StepMetrics;
    await store.saveCheckpoint({ ...run, step, checkpoint: step }, [{ event: "step", metrics }], checkpointBytes(step));
    postMessage(step);
  }
}

/** The test imports this file too, for the bytes. */
if (!("document" in globalThis)) {
  onmessage = ({ data }: MessageEvent<{ run: Run; from: number }>) => void saveForEver(data);
}

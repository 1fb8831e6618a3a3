/** @file The names of checkpoint files in the browser. */

import type { RunId } from "../core/ids";

export const checkpointFolder = "checkpoints";

/** Never the name of a file that is there: overwriting in place tears when it is cut short. */
export const newCheckpointFile = (run: RunId, step: number) =>
  `${checkpointFolder}/${run.replace(":", "-")}.${step}.${crypto.randomUUID().slice(0, 8)}.bin`;

/** The run a checkpoint's file belongs to; null for a file of another name. */
export function runOfFile(path: string): RunId | null {
  const match = /^checkpoints\/run-([^.]+)\.\d+\.[^.]+\.bin$/.exec(path);
  return match ? `run:${match[1] ?? ""}` : null;
}

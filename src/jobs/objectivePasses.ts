/** @file An optimizer step over micro-batches, with its time. */

import type { TokenGradients, TokenNumbers, Wanted } from "../model/tokenNumbers";
import { objectiveStep } from "../model/training";
import type { MicroBatch } from "./microBatches";
import type { Session, StepPlace } from "./session";

/** Work on the device when it is this job's turn, and how long it took, waiting apart. */
export async function timed<T>({ turns }: Session, work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  let seconds = 0;
  const result = await turns(async () => {
    const begun = performance.now();
    const done = await work();
    seconds = (performance.now() - begun) / 1000;
    return done;
  });
  return { result, seconds };
}

/** One step: `lossOf` is asked once for each batch, in order. */
export async function stepOver(
  session: Session,
  place: StepPlace,
  batches: readonly MicroBatch[],
  wanted: Wanted,
  lossOf: (numbers: TokenNumbers, batch: MicroBatch, index: number) => TokenGradients,
): Promise<{ gradNorm: number; seconds: number }> {
  const { model, adapter, optimizer } = session;
  const passes = batches.map((each, i) => ({
    batch: each.batch,
    wanted,
    lossOf: (numbers: TokenNumbers) => lossOf(numbers, each, i),
  }));
  const { result, seconds } = await timed(session, () => objectiveStep(model.llama, adapter, optimizer, passes, place));
  return { ...result, seconds };
}

/** Tokens of documents, padding apart. */
export const tokensOf = (batches: readonly MicroBatch[]): number =>
  batches.reduce((sum, { batch }) => sum + batch.segments.reduce((n, segment) => n + (segment > 0 ? 1 : 0), 0), 0);

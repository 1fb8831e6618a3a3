/** @file What the reference gives documents: summed log-probabilities, made once, as the reference does not learn. */

import type { RunEvent } from "../core/metrics";
import { nextTick } from "../core/nextTick";
import type { Document } from "../data/mask";
import type { Adapter } from "../model/adapterParts";
import { tokenNumbers } from "../model/tokenNumbers";
import { sumsOf } from "../objectives/sequences";
import { microBatches } from "./microBatches";
import type { Session } from "./session";

/** Each document's sum over its trained tokens, nats, as an adapter gives it (null: the base). Throws the signal's reason. */
export async function* documentSums(
  { model, stage, turns, controls }: Session,
  adapter: Adapter | null,
  documents: readonly Document[],
  phase: "reference" | "evaluating",
): AsyncGenerator<RunEvent, Float64Array> {
  const sums = new Float64Array(documents.length);
  let done = 0;
  for (const { batch, places, bounds } of microBatches(documents, stage.recipe.batching.rows)) {
    const { logProbabilities } = await turns(() => tokenNumbers(model.llama, batch, { adapter, wanted: {} }));
    sumsOf(logProbabilities, bounds).forEach((sum, row) => {
      sums[places[row] ?? 0] = sum;
    });
    done += places.length;
    yield { event: "progress", phase, done, total: documents.length };
    await nextTick();
    controls.signal.throwIfAborted();
  }
  return sums;
}

/** @file Mean loss over the trained tokens of held-out documents. */

import type { RunEvent } from "../core/metrics";
import type { ModelConfig } from "../core/model";
import { nextTick } from "../core/nextTick";
import type { Turns } from "../core/turns";
import { newEvaluationBatches } from "../data/batches";
import type { Document } from "../data/mask";
import type { Adapter } from "../model/adapterParts";
import { evaluateLoss } from "../model/training";
import type { LoadedModel } from "./loadModel";

/** Numbers of logits that one pass may hold. */
const maximumLogits = 2 ** 24;

/** Texts of so many tokens that are measured in one pass. */
export const lossRowsAtOnce = ({ vocabSize }: ModelConfig, longest: number) =>
  Math.max(1, Math.min(32, Math.floor(maximumLogits / (vocabSize * Math.max(1, longest)))));

/** Null where no document can be measured. Throws the signal's reason when aborted. */
export async function* measureLoss(
  model: LoadedModel,
  adapter: Adapter | null,
  documents: readonly Document[],
  { turns, signal }: { turns: Turns; signal: AbortSignal },
): AsyncGenerator<RunEvent, number | null> {
  const longest = Math.max(0, ...documents.filter(({ tooLong }) => !tooLong).map(({ tokens }) => tokens.length));
  const batches = newEvaluationBatches(documents, lossRowsAtOnce(model.config, longest));
  let total = 0;
  let trained = 0;
  for (const [i, batch] of batches.entries()) {
    const loss = await turns(() => evaluateLoss(model.llama, adapter, batch));
    total += loss.sum;
    trained += loss.trained;
    yield { event: "progress", phase: "evaluating", done: i + 1, total: batches.length };
    await nextTick();
    signal.throwIfAborted();
  }
  return trained > 0 ? total / trained : null;
}

/** @file How LoAR's gates stand, over held-out rows. */

import type { Routing } from "../core/metrics";
import { newEvaluationBatches } from "../data/batches";
import type { Document } from "../data/mask";
import type { Adapter } from "../model/adapterParts";
import { isGated, meanGates, readLambdas } from "../model/routing";
import type { LoadedModel } from "./loadModel";

/** Rows that speak for all: a gate's mean over some thousand tokens stands still. */
const rows = 16;

/** Null where the adapter has no gates, or nothing is held out. */
export async function measureRouting(
  model: LoadedModel,
  adapter: Adapter,
  documents: readonly Document[],
  step: number,
): Promise<Routing | null> {
  if (!isGated(adapter)) return null;
  const [batch] = newEvaluationBatches(documents.filter(({ tooLong }) => !tooLong).slice(0, rows), rows);
  if (!batch) return null;
  const gates = await meanGates(model.llama, adapter, batch);
  return { step, gates, lambdas: await readLambdas(adapter) };
}

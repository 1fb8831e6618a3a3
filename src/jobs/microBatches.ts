/** @file Answers laid into batches for objectives that are arithmetic over their tokens. */

import type { Batch } from "../core/batch";
import type { Document } from "../data/mask";
import { newBatch } from "../data/pack";

export type MicroBatch = {
  batch: Batch;
  /** Which of the documents are its rows, in order. */
  places: number[];
  /** Where each one's trained tokens begin among the batch's, [rows + 1]. */
  bounds: Int32Array;
};

/** Those documents, one a row, in this order. */
export function newMicroBatch(documents: readonly Document[], places: number[]): MicroBatch {
  const rows = places.flatMap((place) => documents[place] ?? []);
  const bounds = new Int32Array(rows.length + 1);
  rows.forEach(({ trained }, i) => {
    // the first token is never a target
    const count = trained.reduce((sum, one, t) => sum + (t > 0 ? one : 0), 0);
    bounds[i + 1] = (bounds[i] ?? 0) + count;
  });
  return { batch: newBatch(rows.map((row) => [row])), places, bounds };
}

/** Batches of at most `rows` documents, those of like length together; `together` next to each other stay so. */
export function microBatches(documents: readonly Document[], rows: number, together = 1): MicroBatch[] {
  const lengthOf = (group: number) =>
    Math.max(...documents.slice(group * together, (group + 1) * together).map(({ tokens }) => tokens.length));
  const groups = Array.from({ length: documents.length / together }, (_, group) => group);
  groups.sort((a, b) => lengthOf(a) - lengthOf(b));
  const size = Math.max(1, Math.floor(rows / together));
  const batches: MicroBatch[] = [];
  for (let from = 0; from < groups.length; from += size) {
    const places = groups
      .slice(from, from + size)
      .flatMap((group) => Array.from({ length: together }, (_, i) => group * together + i));
    batches.push(newMicroBatch(documents, places));
  }
  return batches;
}

/** The document as a row of which only the last place counts: where a whole answer is scored. */
export function newScoredBatch({ batch, bounds, places }: MicroBatch): MicroBatch {
  const weights = new Float32Array(batch.weights.length);
  for (let row = 0; row < batch.rows; row++) {
    let last = row * batch.length;
    for (let t = 0; t < batch.length; t++)
      if ((batch.segments[row * batch.length + t] ?? 0) > 0) last = row * batch.length + t;
    weights[last] = 1;
  }
  return {
    batch: { ...batch, weights, trained: batch.rows },
    places,
    bounds: Int32Array.from({ length: bounds.length }, (_, i) => i),
  };
}

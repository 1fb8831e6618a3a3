/** @file The order in which a run sees its documents: each batch a pure function of seed and index, so that a run resumes anywhere. */

import type { Batch } from "../core/batch";
import { StudioError } from "../core/errors";
import { seedFor, shuffled } from "../core/random";
import { say } from "../core/say";
import type { Document } from "./mask";
import { newBatch, packFirstFit } from "./pack";

/** Batches whose documents are sorted by length together: padding shrinks, chance stays. */
const windowBatches = 8;

export type Batcher = {
  /** The index-th forward pass of the run, from 0. `epoch` counts passes over the data after it, in fractions; `tokens` leaves padding out. */
  batch: (index: number) => { batch: Batch; epoch: number; tokens: number };
  batchesPerEpoch: number;
  documentsPerEpoch: number;
};

function isUsable({ tooLong, trained }: Document): boolean {
  return !tooLong && trained.includes(1);
}

/** Document numbers of each batch of an epoch. */
function planEpoch(lengths: readonly number[], rows: number, bucket: boolean, seed: number, epoch: number): number[][] {
  const order = Array.from(shuffled(lengths.length, seedFor(seed, "epoch", epoch)));
  const batches: number[][] = [];
  const window = bucket ? rows * windowBatches : rows;
  for (let start = 0; start < order.length; start += window) {
    const some = order.slice(start, start + window);
    if (bucket) some.sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0));
    for (let i = 0; i < some.length; i += rows) batches.push(some.slice(i, i + rows));
  }
  if (!bucket) return batches;
  return Array.from(shuffled(batches.length, seedFor(seed, "batches", epoch)), (i) => batches[i] ?? []);
}

/**
 * Every usable document once an epoch, `rows` of them a batch (the last of an epoch may hold fewer). `bucket` puts documents
 * of like length together, one a row; `pack` puts several into rows of at most `capacity` tokens.
 * Documents too long or with nothing to train are left out. Throws `run.rows` if none is left.
 */
export function newBatcher(options: {
  documents: readonly Document[];
  rows: number;
  mode: "bucket" | "pack";
  contextLength: number;
  /** Tokens of a packed row; left out, as many as the longest document has. */
  capacity?: number;
  seed: number;
}): Batcher {
  const { rows, mode, contextLength, seed } = options;
  const documents = options.documents.filter(isUsable);
  if (documents.length === 0)
    throw new StudioError("run.rows", say`None of ${options.documents.length} rows fits ${contextLength} tokens`);
  const lengths = documents.map(({ tokens }) => tokens.length);
  const capacity = Math.min(contextLength, options.capacity ?? lengths.reduce((most, n) => Math.max(most, n), 0));
  const batchesPerEpoch = Math.ceil(documents.length / rows);
  let planned = { epoch: -1, batches: [] as number[][] };
  const batch = (index: number) => {
    const epoch = Math.floor(index / batchesPerEpoch);
    if (planned.epoch !== epoch) planned = { epoch, batches: planEpoch(lengths, rows, mode === "bucket", seed, epoch) };
    const chosen = (planned.batches[index - epoch * batchesPerEpoch] ?? []).flatMap((i) => documents[i] ?? []);
    const laid = mode === "pack" ? packFirstFit(chosen, capacity) : chosen.map((document) => [document]);
    return {
      batch: newBatch(laid),
      epoch: (index + 1) / batchesPerEpoch,
      tokens: chosen.reduce((sum, { tokens }) => sum + tokens.length, 0),
    };
  };
  return { batch, batchesPerEpoch, documentsPerEpoch: documents.length };
}

/** Every usable document once, like lengths together, one a row. */
export function newEvaluationBatches(documents: readonly Document[], rows: number): Batch[] {
  const sorted = documents.filter(isUsable).sort((a, b) => a.tokens.length - b.tokens.length);
  const batches: Batch[] = [];
  for (let i = 0; i < sorted.length; i += rows) {
    const some = sorted.slice(i, i + rows).map((document) => [document]);
    batches.push(newBatch(some));
  }
  return batches;
}

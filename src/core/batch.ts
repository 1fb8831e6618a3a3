/** @file What one forward pass of training takes: rows of equal length, each holding one or more packed documents. */

export type Batch = {
  rows: number; // B
  length: number; // T
  tokens: Int32Array; // [B, T]
  /** The token to be predicted at each place: the next token of the same document, 0 where there is none. */
  targets: Int32Array; // [B, T]
  /** The weight of each prediction in the loss: 0 where masked. */
  weights: Float32Array; // [B, T]
  /** Place within its document, from 0. */
  positions: Int32Array; // [B, T]
  /** Number of the document within the row, from 1; 0 is padding. A token sees only its own document. */
  segments: Int32Array; // [B, T]
  /** What each prediction belongs to: 1 the steps of a solution, 2 its final answer; left out where nobody asks. */
  parts?: Uint8Array; // [B, T]
  /** 1 where the token carries logic, for adapters that ask. */
  marks?: Int32Array; // [B, T]
  /** Σ weights. */
  trained: number;
};

/**
 * The size that stands in for `n` so that few sizes occur, each of which takes device memory of its own: a multiple of
 * 16, and of a sixteenth of the next power of two, so that at most an eighth is padding where n > 128.
 */
export function bucketed(n: number): number {
  const step = Math.max(16, 2 ** Math.ceil(Math.log2(Math.max(1, n))) / 16);
  return Math.ceil(n / step) * step;
}

/** The same rows, each with padding behind it up to `length` tokens. */
export function padded(batch: Batch, length: number): Batch {
  if (length <= batch.length) return batch;
  const widen = <T extends Int32Array | Float32Array>(values: T, wide: T): T => {
    for (let row = 0; row < batch.rows; row++) {
      wide.set(values.subarray(row * batch.length, (row + 1) * batch.length), row * length);
    }
    return wide;
  };
  const ints = (values: Int32Array) => widen(values, new Int32Array(batch.rows * length));
  return {
    ...batch,
    length,
    tokens: ints(batch.tokens),
    targets: ints(batch.targets),
    weights: widen(batch.weights, new Float32Array(batch.rows * length)),
    positions: ints(batch.positions),
    segments: ints(batch.segments),
    ...(batch.marks ? { marks: ints(batch.marks) } : {}),
  };
}

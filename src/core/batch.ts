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

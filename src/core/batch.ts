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

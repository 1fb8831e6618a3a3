/** @file Rows of one length as a batch, every token but the first to be told from those before it: what PEFT's losses are compared on. */

import type { Batch } from "../core/batch";

export function nextTokens(rows: readonly (readonly number[])[]): Batch {
  const length = rows[0]?.length ?? 0;
  const flat = rows.flat();
  const isLast = (i: number) => i % length === length - 1;
  const weights = Float32Array.from(flat, (_, i) => (isLast(i) ? 0 : 1));
  return {
    rows: rows.length,
    length,
    tokens: Int32Array.from(flat),
    targets: Int32Array.from(flat, (_, i) => (isLast(i) ? 0 : (flat[i + 1] ?? 0))),
    positions: Int32Array.from(flat, (_, i) => i % length),
    segments: new Int32Array(flat.length).fill(1),
    weights,
    trained: weights.reduce((a, b) => a + b, 0),
  };
}

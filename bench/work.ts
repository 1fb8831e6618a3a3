/** @file The arithmetic of a training step: the multiplications and additions of its matrix products, about. */

import { linearNamesOf, linearShape } from "../src/core/adapter";
import type { Batch } from "../src/core/batch";
import type { ModelConfig } from "../src/core/model";

/**
 * Operations of forward and backward. A trained weight costs its product three times (y, dx, dw), a frozen one twice;
 * of attention, seven products of the causal half. The last block's second half is made for trained tokens alone, as
 * our engine does it. The low-rank part, where `rank` is not 0, is trained and everything else frozen.
 */
export function stepOperations(config: ModelConfig, batch: Batch, rank: number): number {
  const tokens = batch.rows * batch.length;
  const picked = batch.weights.reduce((n, weight) => n + (weight === 0 ? 0 : 1), 0);
  const passes = rank > 0 ? 2 : 3;
  let total = passes * 2 * picked * config.vocabSize * config.hiddenSize;
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of linearNamesOf(config)) {
      const [out, in_] = linearShape(config, name);
      const isLate = layer === config.layers - 1 && !/^[qkv]_proj$/.test(name);
      total += 2 * (isLate ? picked : tokens) * (passes * out * in_ + 3 * rank * (out + in_));
    }
    total += attentionOperations(batch, config, 7);
  }
  return total;
}

/** `products` of queries and keys (or their like) in the causal half. */
export function attentionOperations(
  { rows, length }: { rows: number; length: number },
  { heads, headDim }: { heads: number; headDim: number },
  products: number,
): number {
  return products * rows * heads * length * (length + 1) * headDim;
}

/**
 * @file The entropy of each row of logits, in nats: how undecided a model is about a token.
 *
 *   H = −Σ_v p_v log p_v      p = softmax(logits)
 *   dlogits_v = −dy · p_v · (log p_v + H)
 *
 * Shapes: logits [M, V]; H, dy [M].
 */

import { rowLanes } from "./adapter";
import { logitStatistics, rowOfLogits } from "./crossEntropy";
import { defineKernel } from "./kernel";
import { acrossLanes, dim, perRow, plus } from "./shape";
import { tf } from "./tf";

type None = Record<string, never>;

/** WGSL: a row's largest logit, Σ exp(logit − largest), and Σ of the same times logit − largest. */
const source = () => `
  ${logitStatistics()}
  ${acrossLanes("weightedOfLanes", plus)}
  fn weighted(row: u32, cols: u32, lane: u32, top: f32) -> f32 {
    var sum = 0.0;
    for (var v = lane; v < cols; v += ${rowLanes()}u) {
      let x = max(logits[row * cols + v] - top, -1e4); // −∞ weighs nothing, but not NaN
      sum += exp(x) * x;
    }
    return weightedOfLanes(lane, sum);
  }`;

const sizes = [
  { M: 3, V: 5 },
  { M: 20, V: 133 },
];

const backward = defineKernel({
  name: "EntropyBack",
  inputs: ["logits", "dy"],
  reference: ({ logits, dy }: { logits: tf.Tensor2D; dy: tf.Tensor1D }, _: None) => {
    const logP = tf.logSoftmax(logits);
    const p = tf.exp(logP);
    const H = tf.neg(tf.sum(tf.mul(p, logP), -1, true));
    return tf.mul(tf.mul(tf.neg(tf.reshape(dy, [-1, 1])), p), tf.add(logP, H));
  },
  gpu: ({ logits }) => ({
    ...perRow(logits.shape, dim(logits, 0)),
    wgsl: () => `
      ${source()}
      fn main() {
        ${rowOfLogits}
        let mean = weighted(row, cols, localId.x, top) / sum;
        for (var v = localId.x; v < cols; v += ${rowLanes()}u) {
          let x = max(logits[row * cols + v] - top, -1e4);
          result[row * cols + v] = dy[row] * exp(x) / sum * (mean - x);
        }
      }`,
  }),
  wasm: ({ logits }) => ({
    fn: "entropyBack",
    outputShape: logits.shape,
    work: Math.ceil(dim(logits, 0) / 16),
    args: [dim(logits, 0), dim(logits, 1)],
  }),
  cases: sizes.map(({ M, V }) => ({ shapes: { logits: [M, V], dy: [M] }, attrs: {} })),
});

const forward = defineKernel({
  name: "Entropy",
  inputs: ["logits"],
  reference: ({ logits }: { logits: tf.Tensor2D }, _: None) => {
    const logP = tf.logSoftmax(logits);
    return tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), -1));
  },
  gpu: ({ logits }) => ({
    ...perRow([dim(logits, 0)], dim(logits, 0)),
    wgsl: () => `
      ${source()}
      fn main() {
        ${rowOfLogits}
        let mean = weighted(row, cols, localId.x, top) / sum;
        if (localId.x == 0u) { result[row] = log(sum) - mean; }
      }`,
  }),
  wasm: ({ logits }) => ({
    fn: "entropy",
    outputShape: [dim(logits, 0)],
    work: Math.ceil(dim(logits, 0) / 16),
    args: [dim(logits, 0), dim(logits, 1)],
  }),
  gradient: (dy, { logits }) => ({ logits: () => backward({ logits, dy: dy as tf.Tensor1D }, {}) }),
  cases: sizes.map(({ M, V }) => ({ shapes: { logits: [M, V] }, attrs: {} })),
});

export const kernels = [forward, backward];

/** The entropy of each row: logits [M, V] → [M], nats. */
export function entropy(logits: tf.Tensor2D): tf.Tensor1D {
  return forward({ logits }, {}) as tf.Tensor1D;
}

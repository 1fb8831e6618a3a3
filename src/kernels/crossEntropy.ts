/**
 * @file Weighted cross-entropy of each row of logits.
 *
 *   loss[i] = weight[i] · (log Σ_v exp(logits[i, v]) − logits[i, target[i]])
 *   dlogits[i, v] = dy[i] · weight[i] · (softmax(logits[i])[v] − [v = target[i]])
 *
 * Shapes: logits [M, V]; targets [M] int32; weights, loss, dy [M].
 */

import { rowLanes } from "./adapter";
import { defineKernel } from "./kernel";
import { acrossLanes, clampedGroup, dim, larger, perRow, plus } from "./shape";
import { tf } from "./tf";

type Inputs = { logits: tf.Tensor2D; targets: tf.Tensor1D; weights: tf.Tensor1D };
type None = Record<string, never>;

/** WGSL: the largest logit of a row, and the sum of exp(logit − largest). */
export const logitStatistics = () => `
  ${acrossLanes("largestOfLanes", larger)}
  ${acrossLanes("sumOfLanes", plus)}
  fn largest(row: u32, cols: u32, lane: u32) -> f32 {
    var top = logits[row * cols];
    for (var v = lane; v < cols; v += ${rowLanes()}u) { top = max(top, logits[row * cols + v]); }
    return largestOfLanes(lane, top);
  }
  fn total(row: u32, cols: u32, lane: u32, top: f32) -> f32 {
    var sum = 0.0;
    for (var v = lane; v < cols; v += ${rowLanes()}u) { sum += exp(logits[row * cols + v] - top); }
    return sumOfLanes(lane, sum);
  }`;

/** WGSL: what begins a program over rows of logits, once those functions are there. */
export const rowOfLogits = `
        let cols = u32(uniforms.logitsShape[1]);
        let row = ${clampedGroup("uniforms.logitsShape[0]")};
        let top = largest(row, cols, localId.x);
        let sum = total(row, cols, localId.x, top);`;

const sizes = [
  { M: 3, V: 5 },
  { M: 20, V: 133 },
];

const backward = defineKernel({
  name: "CrossEntropyBack",
  inputs: ["logits", "targets", "weights", "dy"],
  reference: ({ logits, targets, weights, dy }: Inputs & { dy: tf.Tensor1D }, _: None) =>
    tf.mul(
      tf.sub(tf.softmax(logits), tf.cast(tf.oneHot(targets, dim(logits, 1)), "float32")),
      tf.reshape(tf.mul(weights, dy), [-1, 1]),
    ),
  gpu: ({ logits }) => ({
    ...perRow(logits.shape, dim(logits, 0)),
    wgsl: () => `
      ${logitStatistics()}
      fn main() {
        ${rowOfLogits}
        let w = weights[row] * dy[row];
        for (var v = localId.x; v < cols; v += ${rowLanes()}u) {
          let i = row * cols + v;
          result[i] = w * (exp(logits[i] - top) / sum - select(0.0, 1.0, i32(v) == targets[row]));
        }
      }`,
  }),
  wasm: ({ logits }) => ({
    fn: "crossEntropyBack",
    outputShape: logits.shape,
    work: Math.ceil(dim(logits, 0) / 16),
    args: [dim(logits, 0), dim(logits, 1)],
  }),
  cases: sizes.map(({ M, V }) => ({
    shapes: { logits: [M, V], targets: [M], weights: [M], dy: [M] },
    attrs: {},
    whole: { targets: [V] },
  })),
});

const forward = defineKernel({
  name: "CrossEntropy",
  inputs: ["logits", "targets", "weights"],
  reference: ({ logits, targets, weights }: Inputs, _: None) => {
    const picked = tf.sum(tf.mul(tf.logSoftmax(logits), tf.cast(tf.oneHot(targets, dim(logits, 1)), "float32")), -1);
    return tf.mul(tf.neg(picked), weights);
  },
  gpu: ({ logits }) => ({
    ...perRow([dim(logits, 0)], dim(logits, 0)),
    wgsl: () => `
      ${logitStatistics()}
      fn main() {
        ${rowOfLogits}
        if (localId.x == 0u) {
          result[row] = weights[row] * (top + log(sum) - logits[row * cols + u32(targets[row])]);
        }
      }`,
  }),
  wasm: ({ logits }) => ({
    fn: "crossEntropy",
    outputShape: [dim(logits, 0)],
    work: Math.ceil(dim(logits, 0) / 16),
    args: [dim(logits, 0), dim(logits, 1)],
  }),
  gradient: (dy, inputs) => ({ logits: () => backward({ ...inputs, dy: dy as tf.Tensor1D }, {}) }),
  cases: sizes.map(({ M, V }) => ({
    shapes: { logits: [M, V], targets: [M], weights: [M] },
    attrs: {},
    whole: { targets: [V] },
  })),
});

export const kernels = [forward, backward];

/** The gradient of the logits, [M, V]; dy [M]. */
export function crossEntropyBack(
  logits: tf.Tensor2D,
  targets: tf.Tensor1D,
  weights: tf.Tensor1D,
  dy: tf.Tensor1D,
): tf.Tensor2D {
  return backward({ logits, targets, weights, dy }, {}) as tf.Tensor2D;
}

/** The weighted loss of each row: logits [M, V], targets [M], weights [M] → [M], nats. */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D, weights: tf.Tensor1D): tf.Tensor1D {
  return forward({ logits, targets, weights }, {}) as tf.Tensor1D;
}

/**
 * @file ReLU, as bottleneck adapters have it (Houlsby et al. 2019): y = max(x, 0), dx = dy where y > 0.
 *
 * Shapes: x, y, dy, dx all alike. The derivative reads y, which the layer that follows keeps anyway.
 */

import { defineKernel } from "./kernel";
import { element, perElement } from "./shape";
import { tf } from "./tf";

type None = Record<string, never>;

const shapes = [
  [1, 7],
  [33, 8],
  [130, 129],
];
const program = (y: tf.Tensor, value: string) => ({
  ...perElement(y.shape),
  uniforms: { count: { type: "uint32" as const, value: y.size } },
  wgsl: () => `
      fn main() {
        let i = ${element};
        if (i < uniforms.count) { result[i] = ${value}; }
      }`,
});

const backward = defineKernel({
  name: "ReluBack",
  inputs: ["y", "dy"],
  reference: ({ y, dy }: { y: tf.Tensor; dy: tf.Tensor }, _: None) => tf.where(tf.greater(y, 0), dy, tf.zerosLike(dy)),
  gpu: ({ y }) => program(y, "select(0.0, dy[i], y[i] > 0.0)"),
  wasm: ({ y }) => ({ fn: "reluBack", outputShape: y.shape, work: Math.ceil(y.size / 8192), args: [y.size] }),
  cases: shapes.map((y) => ({ shapes: { y, dy: y }, attrs: {} })),
});

const forward = defineKernel({
  name: "ReluSame",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor }, _: None) => tf.relu(x),
  // Not max, which WGSL lets swallow a NaN.
  gpu: ({ x }) => program(x, "select(x[i], 0.0, x[i] < 0.0)"),
  wasm: ({ x }) => ({ fn: "relu", outputShape: x.shape, work: Math.ceil(x.size / 8192), args: [x.size] }),
  saves: [],
  savesOutput: true,
  gradient: (dy, _, __, { ys }) => ({ x: () => backward({ y: ys[0] as tf.Tensor, dy }, {}) }),
  cases: shapes.map((x) => ({ shapes: { x }, attrs: {} })),
});

export const kernels = [forward, backward];

/** max(x, 0), number by number. */
export function relu<T extends tf.Tensor>(x: T): T {
  return forward({ x }, {}) as T;
}

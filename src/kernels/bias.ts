/**
 * @file The bias of linear layers: y = x + b, to every row. dx = dy, db = Σ over rows of dy.
 *
 * Shapes: x, y, dy, dx [N, O]; b, db [O].
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { sumOfRows } from "./sumRows";
import { tf } from "./tf";

const forward = defineKernel({
  name: "AddBias",
  inputs: ["x", "b"],
  reference: ({ x, b }: { x: tf.Tensor2D; b: tf.Tensor1D }, _: Record<string, never>) => tf.add(x, b),
  gpu: ({ x }) => ({
    ...perElement(x.shape),
    uniforms: { count: { type: "uint32", value: x.size } },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i < uniforms.count) { result[i] = x[i] + b[i % u32(uniforms.bShape[0])]; }
      }`,
  }),
  wasm: ({ x }) => ({
    fn: "addBias",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 64),
    args: [dim(x, 0), dim(x, 1)],
  }),
  saves: [],
  gradient: (dy) => ({ x: () => tf.clone(dy), b: () => sumOfRows(dy as tf.Tensor2D) }),
  cases: [
    { shapes: { x: [3, 5], b: [5] }, attrs: {} },
    { shapes: { x: [70, 129], b: [129] }, attrs: {} },
  ],
});

export const kernels = [forward];

/** x [N, O] + b [O], row by row; x itself where there is no bias. */
export function addBias(x: tf.Tensor2D, b: tf.Tensor1D | null): tf.Tensor2D {
  return b ? (forward({ x, b }, {}) as tf.Tensor2D) : x;
}

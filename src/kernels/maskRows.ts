/**
 * @file Rows kept or made zero by a mark each, as LoAR's literal mode masks the tokens that go into attention.
 *
 *   y_n = x_n where marked_n ≠ 0, else 0        dx likewise from dy
 *
 * Shapes: x, y, dy, dx [N, C]; marked [N] int32.
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

const forward = defineKernel({
  name: "MaskRows",
  inputs: ["x", "marked"],
  // A choice and no product: 0 · ∞ would be NaN.
  reference: ({ x, marked }: { x: tf.Tensor2D; marked: tf.Tensor1D }, _: Record<string, never>) =>
    tf.where(tf.expandDims(tf.notEqual(marked, 0), 1), x, tf.zerosLike(x)),
  gpu: ({ x }) => ({
    ...perElement(x.shape),
    uniforms: { count: { type: "uint32", value: x.size } },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i < uniforms.count) { result[i] = select(0.0, x[i], marked[i / u32(uniforms.xShape[1])] != 0); }
      }`,
  }),
  wasm: ({ x }) => ({
    fn: "maskRows",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 64),
    args: [dim(x, 0), dim(x, 1)],
  }),
  saves: ["marked"],
  gradient: (dy, { marked }) => ({ x: () => maskRows(dy as tf.Tensor2D, marked) }),
  cases: [
    { shapes: { x: [5, 3], marked: [5] }, attrs: {}, whole: { marked: [2] } },
    { shapes: { x: [130, 67], marked: [130] }, attrs: {}, whole: { marked: [3] } },
  ],
});

export const kernels = [forward];

/** x [N, C] with the rows whose mark in marked [N] int32 is 0 made zero → [N, C]. The gradient comes back to x. */
export function maskRows(x: tf.Tensor2D, marked: tf.Tensor1D): tf.Tensor2D {
  return forward({ x, marked }, {}) as tf.Tensor2D;
}

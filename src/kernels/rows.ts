/**
 * @file Rows by number: an embedding's lookup, and the choice of the places where a loss is taken.
 *
 *   y[i] = x[index[i]]        dx[r] = Σ over i with index[i] = r of dy[i]
 *
 * Shapes: x, dx [N, C]; index [M] int32; y, dy [M, C].
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

const sizes = [
  { N: 4, M: 7, C: 3 },
  { N: 50, M: 33, C: 20 },
];

const scatter = defineKernel({
  name: "RowsBack",
  inputs: ["dy", "index"],
  reference: ({ dy, index }: { dy: tf.Tensor2D; index: tf.Tensor1D }, { rows }: { rows: number }) =>
    tf.matMul(tf.cast(tf.oneHot(index, rows), "float32"), dy, true),
  gpu: ({ dy }, { rows }) => ({
    ...perElement([rows, dim(dy, 1)]),
    wgsl: () => `
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let at = ${element};
        if (at >= u32(uniforms.outShape[0]) * cols) { return; }
        let row = i32(at / cols);
        var sum = 0.0;
        for (var i = 0u; i < u32(uniforms.indexShape[0]); i++) {
          if (index[i] == row) { sum += dy[i * cols + at % cols]; }
        }
        result[at] = sum;
      }`,
  }),
  wasm: ({ dy }, { rows }) => ({
    fn: "rowsBack",
    outputShape: [rows, dim(dy, 1)],
    work: 1,
    args: [dim(dy, 0), dim(dy, 1), rows],
  }),
  cases: sizes.map(({ N, M, C }) => ({
    shapes: { dy: [M, C], index: [M] },
    attrs: { rows: N },
    whole: { index: [N] },
  })),
});

const forward = defineKernel({
  name: "Rows",
  inputs: ["x", "index"],
  reference: ({ x, index }: { x: tf.Tensor2D; index: tf.Tensor1D }, _: Record<string, never>) => tf.gather(x, index),
  gpu: ({ x, index }) => ({
    ...perElement([dim(index, 0), dim(x, 1)]),
    wgsl: () => `
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let at = ${element};
        if (at >= u32(uniforms.outShape[0]) * cols) { return; }
        result[at] = x[u32(index[at / cols]) * cols + at % cols];
      }`,
  }),
  wasm: ({ x, index }) => ({
    fn: "takeRows",
    outputShape: [dim(index, 0), dim(x, 1)],
    work: Math.ceil(dim(index, 0) / 64),
    args: [dim(index, 0), dim(x, 1)],
  }),
  gradient: (dy, { x, index }) => ({ x: () => scatter({ dy: dy as tf.Tensor2D, index }, { rows: dim(x, 0) }) }),
  cases: sizes.map(({ N, M, C }) => ({ shapes: { x: [N, C], index: [M] }, attrs: {}, whole: { index: [N] } })),
});

export const kernels = [forward, scatter];

/** The rows of x [N, C] that index [M] names → [M, C]. */
export function takeRows(x: tf.Tensor2D, index: tf.Tensor1D): tf.Tensor2D {
  return forward({ x, index }, {}) as tf.Tensor2D;
}

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
  { N: 1, M: 3, C: 5 },
  { N: 4, M: 7, C: 3 },
  { N: 50, M: 33, C: 20 },
  { N: 2, M: 5, C: 130 },
  { N: 700, M: 200, C: 67 },
];

/**
 * How many rows of dx a workgroup makes: it reads the whole index for them, so many; but as few as leave work for
 * a graphics card.
 */
function rowsAGroup(rows: number, cols: number): number {
  return Math.min(Math.max(Math.ceil((rows * Math.ceil(cols / 64)) / 2048), 16), 1024);
}

const scatter = defineKernel({
  name: "RowsBack",
  inputs: ["dy", "index"],
  reference: ({ dy, index }: { dy: tf.Tensor2D; index: tf.Tensor1D }, { rows }: { rows: number }) =>
    tf.matMul(tf.cast(tf.equal(tf.reshape(index, [-1, 1]), tf.range(0, rows, 1, "int32")), "float32"), dy, true),
  // A workgroup makes 64 columns of a range of rows. Each number is summed by one invocation, in the index's order.
  gpu: ({ dy }, { rows }) => {
    const range = rowsAGroup(rows, dim(dy, 1));
    return {
      outputShape: [rows, dim(dy, 1)],
      workgroups: [Math.ceil(dim(dy, 1) / 64), Math.max(1, Math.ceil(rows / range)), 1],
      uniforms: { range: { type: "int32", value: range } },
      wgsl: () => `
        fn main() {
          let cols = u32(uniforms.outShape[1]);
          let col = workgroupId.x * 64u + localId.x;
          if (col >= cols) { return; }
          let first = i32(workgroupId.y) * uniforms.range;
          let end = min(first + uniforms.range, uniforms.outShape[0]);
          for (var row = first; row < end; row++) { result[u32(row) * cols + col] = 0.0; }
          for (var i = 0u; i < u32(uniforms.indexShape[0]); i++) {
            let row = index[i];
            if (row >= first && row < end) { result[u32(row) * cols + col] += dy[i * cols + col]; }
          }
        }`,
    };
  },
  wasm: ({ dy }, { rows }) => {
    const range = Math.max(1, Math.ceil(rows / 32));
    return {
      fn: "rowsBack",
      outputShape: [rows, dim(dy, 1)],
      work: Math.ceil(rows / range),
      args: [dim(dy, 0), dim(dy, 1), rows, range],
    };
  },
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

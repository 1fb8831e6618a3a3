/**
 * @file Each column times a learned number, as IA³ scales keys, values and hidden units (Liu et al. 2022) and DoRA a
 * layer's outputs (Liu et al. 2024).
 *
 *   y = x · diag(l)        dx = dy · diag(l)        dl = Σ over rows of dy ⊙ x
 *
 * Shapes: x, y, dy, dx [N, O]; l, dl [O].
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { rowsOfBlock, sumOfRows } from "./sumRows";
import { tf } from "./tf";

type None = Record<string, never>;
type Pair = { x: tf.Tensor2D; dy: tf.Tensor2D };

const sizes = [
  [3, 5],
  [70, 129],
  [1, 300],
  [2100, 70],
];

/** dl is summed within blocks of rows, then over the blocks. */
const partial = defineKernel({
  name: "ColumnProductsPartial",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: Pair, { block }: { block: number }) => {
    const [rows, cols] = x.shape;
    const blocks = Math.ceil(rows / block);
    const over: [number, number][] = [
      [0, blocks * block - rows],
      [0, 0],
    ];
    return tf.sum(tf.reshape(tf.pad(tf.mul(x, dy), over), [blocks, block, cols]), 1);
  },
  // An invocation sums a block of one column; its neighbours read the numbers beside.
  gpu: ({ x }, { block }) => {
    const [blocks, cols] = [Math.ceil(dim(x, 0) / block), dim(x, 1)];
    return {
      outputShape: [blocks, cols],
      workgroups: [Math.ceil(cols / 64), blocks, 1],
      uniforms: { block: { type: "uint32", value: block } },
      wgsl: () => `
        fn main() {
          let cols = u32(uniforms.xShape[1]);
          let col = workgroupId.x * 64u + localId.x;
          if (col >= cols) { return; }
          let first = workgroupId.y * uniforms.block;
          let end = min(first + uniforms.block, u32(uniforms.xShape[0]));
          var sum = 0.0;
          for (var row = first; row < end; row++) { sum += x[row * cols + col] * dy[row * cols + col]; }
          result[workgroupId.y * cols + col] = sum;
        }`,
    };
  },
  wasm: ({ x }, { block }) => {
    const blocks = Math.ceil(dim(x, 0) / block);
    return {
      fn: "columnProducts",
      outputShape: [blocks, dim(x, 1)],
      work: blocks,
      cost: 8 * x.size,
      args: [dim(x, 0), dim(x, 1), block],
    };
  },
  cases: sizes.map((x) => ({ shapes: { x, dy: x }, attrs: { block: 16 } })),
});

const products = defineKernel({
  name: "ColumnProducts",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: Pair, _: None) => tf.sum(tf.mul(x, dy), 0),
  compose: ({ x, dy }) => sumOfRows(partial({ x, dy }, { block: rowsOfBlock(dim(x, 0)) }) as tf.Tensor2D),
  cases: sizes.map((x) => ({ shapes: { x, dy: x }, attrs: {} })),
});

const forward = defineKernel({
  name: "ScaleColumns",
  inputs: ["x", "l"],
  reference: ({ x, l }: { x: tf.Tensor2D; l: tf.Tensor1D }, _: None) => tf.mul(x, l),
  gpu: ({ x }) => ({
    ...perElement(x.shape),
    uniforms: { count: { type: "uint32", value: x.size } },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i < uniforms.count) { result[i] = x[i] * l[i % u32(uniforms.lShape[0])]; }
      }`,
  }),
  wasm: ({ x }) => ({
    fn: "scaleColumns",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 16),
    args: [dim(x, 0), dim(x, 1)],
  }),
  gradient: (dy, { x, l }) => ({
    x: () => scaleColumns(dy as tf.Tensor2D, l),
    l: () => products({ x, dy: dy as tf.Tensor2D }, {}),
  }),
  cases: sizes.map((x) => ({ shapes: { x, l: x.slice(1) }, attrs: {} })),
});

export const kernels = [forward, products, partial];

/** x [N, O] with column o times l[o], l [O] → [N, O]. The gradient comes back to both. */
export function scaleColumns(x: tf.Tensor2D, l: tf.Tensor1D): tf.Tensor2D {
  return forward({ x, l }, {}) as tf.Tensor2D;
}

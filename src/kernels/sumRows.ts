/**
 * @file The sum over rows: the gradient of whatever is added to every row, and the last step of sums made in blocks.
 *
 * Shapes: x [rows, cols] → [cols].
 */

import { isSoftwareAdapter } from "./adapter";
import { defineKernel } from "./kernel";
import { dim } from "./shape";
import { tf } from "./tf";

type None = Record<string, never>;

const sizes = [
  [2, 5],
  [7, 130],
  [33, 64],
  [1, 300],
  [2100, 70],
];

/**
 * Rows of a block, of which there are 256 at most. Blocks of whole rows are read one number after the other, where a
 * column leaps from row to row; and the order of the sum depends on nothing but the number of rows.
 */
export const rowsOfBlock = (rows: number): number => Math.max(16, Math.ceil(rows / 256));

const partial = defineKernel({
  name: "SumRowsPartial",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor2D }, { block }: { block: number }) => {
    const [rows, cols] = x.shape;
    const blocks = Math.ceil(rows / block);
    const over: [number, number][] = [
      [0, blocks * block - rows],
      [0, 0],
    ];
    return tf.sum(tf.reshape(tf.pad(x, over), [blocks, block, cols]), 1);
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
          for (var row = first; row < end; row++) { sum += x[row * cols + col]; }
          result[workgroupId.y * cols + col] = sum;
        }`,
    };
  },
  wasm: ({ x }, { block }) => {
    const blocks = Math.ceil(dim(x, 0) / block);
    return {
      fn: "sumRowsPartial",
      outputShape: [blocks, dim(x, 1)],
      work: blocks,
      cost: 4 * x.size,
      args: [dim(x, 0), dim(x, 1), block],
    };
  },
  cases: sizes.map((x) => ({ shapes: { x }, attrs: { block: 16 } })),
});

/** Columns of a workgroup, and invocations for each. */
const sumColumns = () => (isSoftwareAdapter() ? 8 : 32);
const sumLanes = () => (isSoftwareAdapter() ? 1 : 8);

const fewRows = defineKernel({
  name: "SumFewRows",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor2D }, _: None) => tf.sum(x, 0),
  gpu: ({ x }) => ({
    outputShape: [dim(x, 1)],
    workgroups: [Math.ceil(dim(x, 1) / sumColumns()), 1, 1],
    workgroupSize: [sumColumns() * sumLanes(), 1, 1],
    wgsl: () => `
      var<workgroup> partials: array<f32, ${sumColumns() * sumLanes()}>;
      fn main() {
        let rows = u32(uniforms.xShape[0]);
        let cols = u32(uniforms.xShape[1]);
        let col = workgroupId.x * ${sumColumns()}u + localId.x % ${sumColumns()}u;
        var sum = 0.0;
        if (col < cols) {
          for (var row = localId.x / ${sumColumns()}u; row < rows; row += ${sumLanes()}u) { sum += x[row * cols + col]; }
        }
        partials[localId.x] = sum;
        workgroupBarrier();
        for (var half = ${(sumColumns() * sumLanes()) / 2}u; half >= ${sumColumns()}u; half >>= 1u) {
          if (localId.x < half) { partials[localId.x] += partials[localId.x + half]; }
          workgroupBarrier();
        }
        if (localId.x < ${sumColumns()}u && col < cols) { result[col] = partials[localId.x]; }
      }`,
  }),
  wasm: ({ x }) => ({
    fn: "sumRows",
    outputShape: [dim(x, 1)],
    work: Math.ceil(dim(x, 1) / 256),
    cost: x.size,
    args: [dim(x, 0), dim(x, 1)],
  }),
  cases: sizes.map((x) => ({ shapes: { x }, attrs: {} })),
});

const sumRows = defineKernel({
  name: "SumRows",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor2D }, _: None) => tf.sum(x, 0),
  compose: ({ x }) => {
    const rows = dim(x, 0);
    return fewRows({ x: rows > 512 ? (partial({ x }, { block: rowsOfBlock(rows) }) as tf.Tensor2D) : x }, {});
  },
  cases: sizes.map((x) => ({ shapes: { x }, attrs: {} })),
});

export const kernels = [sumRows, fewRows, partial];

/** Σ over the rows of x [rows, cols] → [cols]. No gradient comes back. */
export function sumOfRows(x: tf.Tensor2D): tf.Tensor1D {
  return sumRows({ x }, {}) as tf.Tensor1D;
}

/**
 * @file RMS norm, over the last axis (Zhang and Sennrich 2019).
 *
 *   y = x · r · g      r = 1 / √(mean(x²) + eps)
 *
 *   dx = r · (dy·g − x · r² · mean(dy·g·x))
 *   dg = Σ over rows of dy · x · r
 *
 * Shapes: x, y, dy, dx are [rows, cols]; g, dg are [cols]. One workgroup serves one row, dg apart.
 *
 * `addRmsNorm` makes the sum that goes in as well: a decoder adds to its residual and norms the sum.
 */

import { isSoftwareAdapter, rowLanes } from "./adapter";
import { defineKernel } from "./kernel";
import { acrossLanes, clampedGroup, dim, perRow, plus } from "./shape";
import { sumOfRows } from "./sumRows";
import { tf } from "./tf";

type Eps = { eps: number };

/** WGSL: sums `value` (of place `i`, column `col`) over a row, leaving the sum in every lane of the workgroup. */
const rowSum = (name: string, value: string, type = "f32") => `
  ${acrossLanes(`${name}OfLanes`, plus, { type })}
  fn ${name}(row: u32, cols: u32, lane: u32) -> ${type} {
    var sum = ${type}(0.0);
    for (var col = lane; col < cols; col += ${rowLanes()}u) {
      let i = row * cols + col;
      sum += ${value};
    }
    return ${name}OfLanes(lane, sum);
  }`;

const sizes = [
  { x: [2, 5], g: [5] },
  { x: [7, 130], g: [130] },
  { x: [33, 64], g: [64] },
  { x: [1, 300], g: [300] },
];
const attrs = { eps: 1e-5 };

/** WGSL: the derivative of the norm of the input `x`, after what `before` adds. */
const backSource = (eps: number | undefined, x: string, before = "") => `
      ${rowSum("sumsOfRow", `vec2<f32>(${x}[i] * ${x}[i], dy[i] * g[col] * ${x}[i])`, "vec2<f32>")}
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let row = ${clampedGroup("uniforms.outShape[0]")};
        let means = sumsOfRow(row, cols, localId.x) / f32(cols);
        let r = inverseSqrt(means.x + ${eps});
        let m = means.y;
        for (var col = localId.x; col < cols; col += ${rowLanes()}u) {
          let i = row * cols + col;
          result[i] = ${before}r * (dy[i] * g[col] - ${x}[i] * r * r * m);
        }
      }`;

const backward = defineKernel({
  name: "RmsNormBack",
  inputs: ["x", "g", "dy"],
  reference: ({ x, g, dy }: { x: tf.Tensor2D; g: tf.Tensor1D; dy: tf.Tensor2D }, { eps }: Eps) => {
    const r = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
    const dyg = tf.mul(dy, g);
    return tf.mul(r, tf.sub(dyg, tf.mul(tf.mul(x, tf.square(r)), tf.mean(tf.mul(dyg, x), -1, true))));
  },
  gpu: ({ x }, { eps }) => ({
    ...perRow(x.shape, dim(x, 0)),
    constants: { eps },
    wgsl: ({ eps }) => backSource(eps, "x"),
  }),
  wasm: ({ x }, { eps }) => ({
    fn: "rmsNormBack",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 64),
    args: [dim(x, 0), dim(x, 1), { float: eps }],
  }),
  cases: sizes.map(({ x, g }) => ({ shapes: { x, g, dy: x }, attrs })),
});

/** A weight's gradient is a sum over rows, made in two: within blocks of so many rows, then over the at most 256 blocks or so. */
export function rowsABlock(rows: number): number {
  return Math.min(Math.max(Math.ceil(rows / 256 / tileRows) * tileRows, tileRows), 1024);
}
export const tileRows = 8;
/** Invocations that share a row of a tile: where barriers are dear, a row has one. */
export const tileLanes = () => (isSoftwareAdapter() ? 1 : 32);
const weightSizes = [...sizes.map(({ x }) => x), [2100, 70]];

const weightPartial = defineKernel({
  name: "RmsNormWeightPartial",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: { x: tf.Tensor2D; dy: tf.Tensor2D }, { eps, block }: Eps & { block: number }) => {
    const [rows, cols] = x.shape;
    const blocks = Math.ceil(rows / block);
    const each = tf.mul(dy, tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps))));
    return tf.sum(
      tf.reshape(
        tf.pad(each, [
          [0, blocks * block - rows],
          [0, 0],
        ]),
        [blocks, block, cols],
      ),
      1,
    );
  },
  // A workgroup takes a block, tile by tile: first each row's r, by several invocations a row, then each column's sum.
  gpu: ({ x }, { eps, block }) => ({
    outputShape: [Math.ceil(dim(x, 0) / block), dim(x, 1)],
    workgroups: [Math.ceil(dim(x, 0) / block), 1, 1],
    workgroupSize: [tileRows * tileLanes(), 1, 1],
    constants: { eps },
    uniforms: { block: { type: "uint32", value: block } },
    wgsl: ({ eps }) => `
      var<workgroup> partials: array<f32, ${tileRows * tileLanes()}>;
      var<workgroup> scales: array<f32, ${tileRows}>;
      fn main() {
        let rows = u32(uniforms.xShape[0]);
        let cols = u32(uniforms.xShape[1]);
        let lane = localId.x % ${tileLanes()}u;
        let first = workgroupId.x * uniforms.block;
        let end = min(first + uniforms.block, rows);
        let out = workgroupId.x * cols;
        for (var tile = first; tile < end; tile += ${tileRows}u) {
          let row = tile + localId.x / ${tileLanes()}u;
          var squares = 0.0;
          if (row < end) {
            for (var k = lane; k < cols; k += ${tileLanes()}u) { let v = x[row * cols + k]; squares += v * v; }
          }
          partials[localId.x] = squares;
          workgroupBarrier();
          if (lane == 0u) {
            var all = 0.0;
            for (var i = 0u; i < ${tileLanes()}u; i++) { all += partials[localId.x + i]; }
            scales[localId.x / ${tileLanes()}u] = inverseSqrt(all / f32(cols) + ${eps});
          }
          workgroupBarrier();
          let count = min(${tileRows}u, end - tile);
          for (var col = localId.x; col < cols; col += ${tileRows * tileLanes()}u) {
            var sum = 0.0;
            for (var i = 0u; i < count; i++) {
              let at = (tile + i) * cols + col;
              sum += dy[at] * x[at] * scales[i];
            }
            if (tile == first) { result[out + col] = sum; } else { result[out + col] += sum; }
          }
        }
      }`,
  }),
  wasm: ({ x }, { eps, block }) => {
    const blocks = Math.ceil(dim(x, 0) / block);
    return {
      fn: "rmsNormWeight",
      outputShape: [blocks, dim(x, 1)],
      work: blocks,
      cost: 8 * x.size,
      args: [dim(x, 0), dim(x, 1), { float: eps }, block],
    };
  },
  cases: weightSizes.map((x) => ({ shapes: { x, dy: x }, attrs: { ...attrs, block: 16 } })),
});

const weight = defineKernel({
  name: "RmsNormWeight",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: { x: tf.Tensor2D; dy: tf.Tensor2D }, { eps }: Eps) =>
    tf.sum(tf.mul(dy, tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps)))), 0),
  compose: ({ x, dy }, { eps }) => {
    const partial = weightPartial({ x, dy }, { eps, block: rowsABlock(dim(x, 0)) });
    return sumOfRows(partial as tf.Tensor2D);
  },
  cases: weightSizes.map((x) => ({ shapes: { x, dy: x }, attrs })),
});

const forward = defineKernel({
  name: "RmsNorm",
  inputs: ["x", "g"],
  reference: ({ x, g }: { x: tf.Tensor2D; g: tf.Tensor1D }, { eps }: Eps) =>
    tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps))), g),
  gpu: ({ x }, { eps }) => ({
    ...perRow(x.shape, dim(x, 0)),
    constants: { eps },
    wgsl: ({ eps }) => `
      ${rowSum("sumOfSquares", "x[i] * x[i]")}
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let row = ${clampedGroup("uniforms.outShape[0]")};
        let r = inverseSqrt(sumOfSquares(row, cols, localId.x) / f32(cols) + ${eps});
        for (var col = localId.x; col < cols; col += ${rowLanes()}u) {
          result[row * cols + col] = x[row * cols + col] * r * g[col];
        }
      }`,
  }),
  wasm: ({ x }, { eps }) => ({
    fn: "rmsNorm",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 64),
    args: [dim(x, 0), dim(x, 1), { float: eps }],
  }),
  gradient: (dy, { x, g }, { eps }) => ({
    x: () => backward({ x, g, dy: dy as tf.Tensor2D }, { eps }),
    g: () => weight({ x, dy: dy as tf.Tensor2D }, { eps }),
  }),
  cases: sizes.map((shapes) => ({ shapes, attrs })),
});

type Added = { x: tf.Tensor2D; r: tf.Tensor2D; g: tf.Tensor1D };
type AddedBack = { total: tf.Tensor2D; g: tf.Tensor1D; dy: tf.Tensor2D; dsum: tf.Tensor2D };

const addBackward = defineKernel({
  name: "AddRmsNormBack",
  inputs: ["total", "g", "dy", "dsum"],
  reference: ({ total, g, dy, dsum }: AddedBack, { eps }: Eps) =>
    tf.add(dsum, backward.kernel.reference({ x: total, g, dy }, { eps }) as tf.Tensor2D),
  gpu: ({ total }, { eps }) => ({
    ...perRow(total.shape, dim(total, 0)),
    constants: { eps },
    wgsl: ({ eps }) => backSource(eps, "total", "dsum[i] + "),
  }),
  wasm: ({ total }, { eps }) => ({
    fn: "addRmsNormBack",
    outputShape: total.shape,
    work: Math.ceil(dim(total, 0) / 16),
    args: [dim(total, 0), dim(total, 1), { float: eps }],
  }),
  cases: sizes.map(({ x, g }) => ({ shapes: { total: x, g, dy: x, dsum: x }, attrs })),
});

const addForward = defineKernel({
  name: "AddRmsNorm",
  inputs: ["x", "r", "g"],
  outputs: 2,
  savesOutput: true,
  reference: ({ x, r, g }: Added, { eps }: Eps) => {
    const total = tf.add<tf.Tensor2D>(x, r);
    return [total, forward.kernel.reference({ x: total, g }, { eps }) as tf.Tensor2D];
  },
  gpu: ({ x }, { eps }) => ({
    ...perRow(x.shape, dim(x, 0)),
    more: { y: { shape: x.shape } },
    constants: { eps },
    wgsl: ({ eps }) => `
      ${rowSum("sumOfSquares", "(x[i] + r[i]) * (x[i] + r[i])")}
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let row = ${clampedGroup("uniforms.outShape[0]")};
        let scale = inverseSqrt(sumOfSquares(row, cols, localId.x) / f32(cols) + ${eps});
        for (var col = localId.x; col < cols; col += ${rowLanes()}u) {
          let i = row * cols + col;
          let total = x[i] + r[i];
          result[i] = total;
          y[i] = total * scale * g[col];
        }
      }`,
  }),
  wasm: ({ x }, { eps }) => ({
    fn: "addRmsNorm",
    outputShape: x.shape,
    more: [x.shape],
    work: Math.ceil(dim(x, 0) / 16),
    args: [dim(x, 0), dim(x, 1), { float: eps }],
  }),
  saves: ["g"],
  gradient: (_, { g }, { eps }, { dys, ys }) => {
    const [dsum, dy] = dys as [tf.Tensor2D, tf.Tensor2D];
    const [total] = ys as [tf.Tensor2D];
    let d: tf.Tensor | undefined;
    // A clone for the second: the tape disposes of a gradient once it has been added to another, never before that.
    const both = () => {
      d = d ? tf.clone(d) : addBackward({ total, g, dy, dsum }, { eps });
      return d;
    };
    return { x: both, r: both, g: () => weight({ x: total, dy }, { eps }) };
  },
  cases: sizes.map(({ x, g }) => ({ shapes: { x, r: x, g }, attrs })),
});

export { sumOfRows } from "./sumRows";

export const kernels = [forward, backward, weight, weightPartial, addForward, addBackward];

/** x + r, and that normed as `rmsNorm` does: x, r [rows, cols], g [cols] → [sum, y], both [rows, cols]. */
export function addRmsNorm(
  x: tf.Tensor2D,
  r: tf.Tensor2D,
  g: tf.Tensor1D,
  eps: number,
): [sum: tf.Tensor2D, y: tf.Tensor2D] {
  return addForward.all({ x, r, g }, { eps }) as [tf.Tensor2D, tf.Tensor2D];
}

/** x [rows, cols] scaled by its root mean square, then by g [cols]. */
export function rmsNorm(x: tf.Tensor2D, g: tf.Tensor1D, eps: number): tf.Tensor2D {
  return forward({ x, g }, { eps }) as tf.Tensor2D;
}

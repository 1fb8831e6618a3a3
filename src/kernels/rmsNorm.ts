/**
 * @file RMS norm, over the last axis (Zhang and Sennrich 2019).
 *
 *   y = x · r · g      r = 1 / √(mean(x²) + eps)
 *
 *   dx = r · (dy·g − x · r² · mean(dy·g·x))
 *   dg = Σ over rows of dy · x · r
 *
 * Shapes: x, y, dy, dx are [rows, cols]; g, dg are [cols]. One workgroup serves one row.
 */

import { defineKernel } from "./kernel";
import { clampedGroup, dim, element, perElement, perRow } from "./shape";
import { tf } from "./tf";

type Eps = { eps: number };

/** WGSL: sums `value` (of place `i`, column `col`) over a row, leaving the sum in every thread of the workgroup. */
const rowSum = (name: string, value: string) => `
  fn ${name}(row: u32, cols: u32, lane: u32) -> f32 {
    var sum = 0.0;
    for (var col = lane; col < cols; col += 64u) {
      let i = row * cols + col;
      sum += ${value};
    }
    workgroupBarrier();
    partials[lane] = sum;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half >>= 1u) {
      if (lane < half) { partials[lane] += partials[lane + half]; }
      workgroupBarrier();
    }
    return partials[0];
  }`;

const sizes = [
  { x: [2, 5], g: [5] },
  { x: [7, 130], g: [130] },
  { x: [33, 64], g: [64] },
];
const attrs = { eps: 1e-5 };

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
    wgsl: ({ eps }) => `
      var<workgroup> partials: array<f32, 64>;
      ${rowSum("sumOfSquares", "x[i] * x[i]")}
      ${rowSum("sumOfProducts", "dy[i] * g[col] * x[i]")}
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let row = ${clampedGroup("uniforms.outShape[0]")};
        let r = inverseSqrt(sumOfSquares(row, cols, localId.x) / f32(cols) + ${eps});
        let m = sumOfProducts(row, cols, localId.x) / f32(cols);
        for (var col = localId.x; col < cols; col += 64u) {
          let i = row * cols + col;
          result[i] = r * (dy[i] * g[col] - x[i] * r * r * m);
        }
      }`,
  }),
  wasm: ({ x }, { eps }) => ({
    fn: "rmsNormBack",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 64),
    args: [dim(x, 0), dim(x, 1), { float: eps }],
  }),
  cases: sizes.map(({ x, g }) => ({ shapes: { x, g, dy: x }, attrs })),
});

const weight = defineKernel({
  name: "RmsNormWeight",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: { x: tf.Tensor2D; dy: tf.Tensor2D }, { eps }: Eps) =>
    tf.sum(tf.mul(dy, tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps)))), 0),
  gpu: ({ x }, { eps }) => ({
    ...perElement([dim(x, 1)]),
    constants: { eps },
    wgsl: ({ eps }) => `
      fn main() {
        let rows = u32(uniforms.xShape[0]);
        let cols = u32(uniforms.xShape[1]);
        let col = ${element};
        if (col >= cols) { return; }
        var sum = 0.0;
        for (var row = 0u; row < rows; row++) {
          var squares = 0.0;
          for (var k = 0u; k < cols; k++) { let v = x[row * cols + k]; squares += v * v; }
          sum += dy[row * cols + col] * x[row * cols + col] * inverseSqrt(squares / f32(cols) + ${eps});
        }
        result[col] = sum;
      }`,
  }),
  cases: sizes.map(({ x }) => ({ shapes: { x, dy: x }, attrs })),
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
      var<workgroup> partials: array<f32, 64>;
      ${rowSum("sumOfSquares", "x[i] * x[i]")}
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let row = ${clampedGroup("uniforms.outShape[0]")};
        let r = inverseSqrt(sumOfSquares(row, cols, localId.x) / f32(cols) + ${eps});
        for (var col = localId.x; col < cols; col += 64u) {
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

export const kernels = [forward, backward, weight];

/** x [rows, cols] scaled by its root mean square, then by g [cols]. */
export function rmsNorm(x: tf.Tensor2D, g: tf.Tensor1D, eps: number): tf.Tensor2D {
  return forward({ x, g }, { eps }) as tf.Tensor2D;
}

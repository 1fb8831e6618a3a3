/**
 * @file LayerNorm over the last axis (Ba et al. 2016).
 *
 *   n = (x − mean(x)) · r      r = 1 / √(mean((x − mean(x))²) + eps)      y = n · g + b
 *
 *   dx = r · (dy·g − mean(dy·g) − n · mean(dy·g·n))
 *   dg = Σ over rows of dy · n      db = Σ over rows of dy
 *
 * Shapes: x, y, dy, dx are [rows, cols]; g, b, dg, db are [cols]. One workgroup serves one row, dg apart.
 */

import { rowLanes } from "./adapter";
import { defineKernel } from "./kernel";
import { rowsABlock, tileLanes, tileRows } from "./rmsNorm";
import { acrossLanes, clampedGroup, dim, perRow, plus } from "./shape";
import { sumOfRows } from "./sumRows";
import { tf } from "./tf";

type Eps = { eps: number };

const sizes = [
  [2, 5],
  [7, 130],
  [33, 64],
  [1, 300],
];
const attrs = { eps: 1e-5 };

/** WGSL: `fn NAME(…)`, the sum over a row of `value`, of place `i` and column `col`, in every lane; `mean` and `r` are given. */
const rowSum = (name: string, value: string, type = "f32") => `
  ${acrossLanes(`${name}OfLanes`, plus, { type })}
  fn ${name}(row: u32, cols: u32, lane: u32, mean: f32, r: f32) -> ${type} {
    var sum = ${type}(0.0);
    for (var col = lane; col < cols; col += ${rowLanes()}u) {
      let i = row * cols + col;
      sum += ${value};
    }
    return ${name}OfLanes(lane, sum);
  }`;

/** WGSL: what every program over rows begins with. The deviation is summed apart: a mean far from zero would drown it. */
const rowSource = (eps: number | undefined) => `
        let cols = u32(uniforms.outShape[1]);
        let row = ${clampedGroup("uniforms.outShape[0]")};
        let mean = sumOfRow(row, cols, localId.x, 0.0, 0.0) / f32(cols);
        let r = inverseSqrt(squaresOfRow(row, cols, localId.x, mean, 0.0) / f32(cols) + ${eps});`;
const rowFunctions = () => `
      ${rowSum("sumOfRow", "x[i]")}
      ${rowSum("squaresOfRow", "(x[i] - mean) * (x[i] - mean)")}`;

/** n and r in plain ops. */
function normed(x: tf.Tensor2D, eps: number): { n: tf.Tensor; r: tf.Tensor } {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const r = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps));
  return { n: tf.mul(centred, r), r };
}

const backward = defineKernel({
  name: "LayerNormBack",
  inputs: ["x", "g", "dy"],
  reference: ({ x, g, dy }: { x: tf.Tensor2D; g: tf.Tensor1D; dy: tf.Tensor2D }, { eps }: Eps) => {
    const { n, r } = normed(x, eps);
    const dyg = tf.mul(dy, g);
    const along = tf.mul(n, tf.mean(tf.mul(dyg, n), -1, true));
    return tf.mul(r, tf.sub(tf.sub(dyg, tf.mean(dyg, -1, true)), along));
  },
  gpu: ({ x }, { eps }) => ({
    ...perRow(x.shape, dim(x, 0)),
    constants: { eps },
    wgsl: ({ eps }) => `
      ${rowFunctions()}
      ${rowSum("pullsOfRow", "vec2<f32>(dy[i] * g[col], dy[i] * g[col] * (x[i] - mean) * r)", "vec2<f32>")}
      fn main() {
        ${rowSource(eps)}
        let pulls = pullsOfRow(row, cols, localId.x, mean, r) / f32(cols);
        for (var col = localId.x; col < cols; col += ${rowLanes()}u) {
          let i = row * cols + col;
          result[i] = r * (dy[i] * g[col] - pulls.x - (x[i] - mean) * r * pulls.y);
        }
      }`,
  }),
  wasm: ({ x }, { eps }) => ({
    fn: "layerNormBack",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 16),
    args: [dim(x, 0), dim(x, 1), { float: eps }],
  }),
  cases: sizes.map((x) => ({ shapes: { x, g: x.slice(1), dy: x }, attrs })),
});

type Pair = { x: tf.Tensor2D; dy: tf.Tensor2D };
const weightSizes = [...sizes, [2100, 70]];

/** WGSL: `value` summed over the row of a tile that this invocation shares, in every one of its lanes. */
const tileSum = (value: string) => `
            sum = 0.0;
            if (row < end) {
              for (var k = lane; k < cols; k += ${tileLanes()}u) { let v = x[row * cols + k]; sum += ${value}; }
            }
            workgroupBarrier();
            partials[localId.x] = sum;
            workgroupBarrier();
            sum = 0.0;
            for (var i = 0u; i < ${tileLanes()}u; i++) { sum += partials[localId.x - lane + i]; }`;

const weightPartial = defineKernel({
  name: "LayerNormWeightPartial",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: Pair, { eps, block }: Eps & { block: number }) => {
    const [rows, cols] = x.shape;
    const blocks = Math.ceil(rows / block);
    const over: [number, number][] = [
      [0, blocks * block - rows],
      [0, 0],
    ];
    return tf.sum(tf.reshape(tf.pad(tf.mul(dy, normed(x, eps).n), over), [blocks, block, cols]), 1);
  },
  // A workgroup takes a block, tile by tile: first each row's mean and r, by several invocations a row, then each
  // column's sum.
  gpu: ({ x }, { eps, block }) => ({
    outputShape: [Math.ceil(dim(x, 0) / block), dim(x, 1)],
    workgroups: [Math.ceil(dim(x, 0) / block), 1, 1],
    workgroupSize: [tileRows * tileLanes(), 1, 1],
    constants: { eps },
    uniforms: { block: { type: "uint32", value: block } },
    wgsl: ({ eps }) => `
      var<workgroup> partials: array<f32, ${tileRows * tileLanes()}>;
      var<workgroup> means: array<f32, ${tileRows}>;
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
          var sum = 0.0;
          ${tileSum("v")}
          let mean = sum / f32(cols);
          ${tileSum("(v - mean) * (v - mean)")}
          if (lane == 0u) {
            means[localId.x / ${tileLanes()}u] = mean;
            scales[localId.x / ${tileLanes()}u] = inverseSqrt(sum / f32(cols) + ${eps});
          }
          workgroupBarrier();
          let count = min(${tileRows}u, end - tile);
          for (var col = localId.x; col < cols; col += ${tileRows * tileLanes()}u) {
            var total = 0.0;
            for (var i = 0u; i < count; i++) {
              let at = (tile + i) * cols + col;
              total += dy[at] * (x[at] - means[i]) * scales[i];
            }
            if (tile == first) { result[out + col] = total; } else { result[out + col] += total; }
          }
        }
      }`,
  }),
  wasm: ({ x }, { eps, block }) => {
    const blocks = Math.ceil(dim(x, 0) / block);
    return {
      fn: "layerNormWeight",
      outputShape: [blocks, dim(x, 1)],
      work: blocks,
      cost: 8 * x.size,
      args: [dim(x, 0), dim(x, 1), { float: eps }, block],
    };
  },
  cases: weightSizes.map((x) => ({ shapes: { x, dy: x }, attrs: { ...attrs, block: 16 } })),
});

const weight = defineKernel({
  name: "LayerNormWeight",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: Pair, { eps }: Eps) => tf.sum(tf.mul(dy, normed(x, eps).n), 0),
  compose: ({ x, dy }, { eps }) =>
    sumOfRows(weightPartial({ x, dy }, { eps, block: rowsABlock(dim(x, 0)) }) as tf.Tensor2D),
  cases: weightSizes.map((x) => ({ shapes: { x, dy: x }, attrs })),
});

const forward = defineKernel({
  name: "LayerNorm",
  inputs: ["x", "g", "b"],
  reference: ({ x, g, b }: { x: tf.Tensor2D; g: tf.Tensor1D; b: tf.Tensor1D }, { eps }: Eps) =>
    tf.add(tf.mul(normed(x, eps).n, g), b),
  gpu: ({ x }, { eps }) => ({
    ...perRow(x.shape, dim(x, 0)),
    constants: { eps },
    wgsl: ({ eps }) => `
      ${rowFunctions()}
      fn main() {
        ${rowSource(eps)}
        for (var col = localId.x; col < cols; col += ${rowLanes()}u) {
          let i = row * cols + col;
          result[i] = (x[i] - mean) * r * g[col] + b[col];
        }
      }`,
  }),
  wasm: ({ x }, { eps }) => ({
    fn: "layerNorm",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 16),
    args: [dim(x, 0), dim(x, 1), { float: eps }],
  }),
  saves: ["x", "g"],
  gradient: (dy, { x, g }, { eps }) => ({
    x: () => backward({ x, g, dy: dy as tf.Tensor2D }, { eps }),
    g: () => weight({ x, dy: dy as tf.Tensor2D }, { eps }),
    b: () => sumOfRows(dy as tf.Tensor2D),
  }),
  cases: sizes.map((x) => ({ shapes: { x, g: x.slice(1), b: x.slice(1) }, attrs })),
});

export const kernels = [forward, backward, weight, weightPartial];

/** x [rows, cols] centred and scaled by its deviation, then by g [cols], plus b [cols]. */
export function layerNorm(x: tf.Tensor2D, g: tf.Tensor1D, b: tf.Tensor1D, eps: number): tf.Tensor2D {
  return forward({ x, g, b }, { eps }) as tf.Tensor2D;
}

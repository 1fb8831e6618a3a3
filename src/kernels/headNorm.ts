/**
 * @file RMS norm of each head's queries and keys before they are turned (Henry et al. 2020, as Qwen 3 and Gemma 3 have
 * it): rmsNorm.ts' formulas over D numbers, with one weight for all query heads and one for all key heads. Values pass.
 *
 * Shapes: x, y, dy, dx [N, (H + 2K)·D], as the projections lie side by side; g, dg [2, D].
 */

import { defineKernel } from "./kernel";
import { rowsABlock } from "./rmsNorm";
import { dim } from "./shape";
import { sumOfRows } from "./sumRows";
import { tf } from "./tf";

type Ways = { heads: number; keyValueHeads: number; eps: number };
type Inputs = { x: tf.Tensor2D; g: tf.Tensor2D };

/** Eight lanes serve a head, eight heads a workgroup, so that neighbours in memory are read together. */
const lanes = 8;

/** WGSL: this invocation's head as `base`, its first number, and `D`, `isNormed`, and g's first number as `first`. */
const headSource = (sums: string, type: string, write: string) => `
  var<workgroup> partials: array<${type}, 64>;
  fn main() {
    let D = u32(uniforms.gShape[1]);
    let S = u32(uniforms.xShape[1]) / D;
    let head = (workgroupId.y * numWorkgroups.x + workgroupId.x) * 8u + localId.y;
    let isHead = head < u32(uniforms.xShape[0]) * S;
    let base = head * D;
    let place = head % S;
    let isNormed = place < uniforms.heads + uniforms.keyValueHeads;
    let first = select(0u, D, place >= uniforms.heads);
    var sum = ${type}();
    if (isHead && isNormed) {
      for (var d = localId.x; d < D; d += ${lanes}u) {
        let i = base + d;
        sum += ${sums};
      }
    }
    partials[localId.y * ${lanes}u + localId.x] = sum;
    workgroupBarrier();
    var means = ${type}();
    for (var i = 0u; i < ${lanes}u; i++) { means += partials[localId.y * ${lanes}u + i]; }
    means /= f32(D);
    if (!isHead) { return; }
    for (var d = localId.x; d < D; d += ${lanes}u) {
      let i = base + d;
      ${write}
    }
  }`;

function grid(x: tf.Tensor, g: tf.Tensor) {
  const groups = Math.max(1, Math.ceil(x.size / dim(g, 1) / 8));
  const across = Math.min(groups, 32768);
  return {
    outputShape: x.shape,
    workgroups: [across, Math.ceil(groups / across), 1] as [number, number, number],
    workgroupSize: [lanes, 8, 1] as [number, number, number],
  };
}
const uniforms = ({ heads, keyValueHeads }: Ways) => ({
  heads: { type: "uint32" as const, value: heads },
  keyValueHeads: { type: "uint32" as const, value: keyValueHeads },
});
const args = (x: tf.Tensor, g: tf.Tensor, { heads, keyValueHeads, eps }: Ways) => [
  ...[dim(x, 0), heads, keyValueHeads, dim(g, 1)],
  { float: eps },
];

/** The heads, r of those that are normed, and their weights, in plain ops: [N, H + K, D]; and the values. */
function unpack({ x, g }: Inputs, { heads: H, keyValueHeads: K, eps }: Ways) {
  const D = dim(g, 1);
  const [heads, values] = tf.split(tf.reshape<tf.Rank.R3>(x, [dim(x, 0), H + 2 * K, D]), [H + K, K], 1) as [
    tf.Tensor3D,
    tf.Tensor3D,
  ];
  const r = tf.rsqrt(tf.add(tf.mean(tf.square(heads), -1, true), eps));
  const [q, k] = tf.split(g, 2, 0) as [tf.Tensor2D, tf.Tensor2D];
  return { heads, values, r, weight: tf.concat([tf.tile(q, [H, 1]), tf.tile(k, [K, 1])], 0) };
}

const backward = defineKernel({
  name: "HeadNormBack",
  inputs: ["x", "g", "dy"],
  reference: ({ x, g, dy }: Inputs & { dy: tf.Tensor2D }, ways: Ways) => {
    const { heads, r, weight } = unpack({ x, g }, ways);
    const { heads: dHeads, values: dValues } = unpack({ x: dy, g }, ways);
    const dyg = tf.mul(dHeads, weight);
    const pull = tf.mul(tf.mul(heads, tf.square(r)), tf.mean(tf.mul(dyg, heads), -1, true));
    return tf.reshape(tf.concat([tf.mul(r, tf.sub(dyg, pull)), dValues], 1), x.shape);
  },
  gpu: ({ x, g }, ways) => ({
    ...grid(x, g),
    constants: { eps: ways.eps },
    uniforms: uniforms(ways),
    wgsl: ({ eps }) =>
      headSource(
        "vec2<f32>(x[i] * x[i], dy[i] * g[first + d] * x[i])",
        "vec2<f32>",
        `let r = inverseSqrt(means.x + ${eps});
      result[i] = select(dy[i], r * (dy[i] * g[first + d] - x[i] * r * r * means.y), isNormed);`,
      ),
  }),
  wasm: ({ x, g }, ways) => ({
    fn: "headNormBack",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 16),
    args: args(x, g, ways),
  }),
  cases: cases().map(({ shapes, attrs }) => ({ shapes: { ...shapes, dy: shapes.x }, attrs })),
});

type Pair = { x: tf.Tensor2D; dy: tf.Tensor2D };
/** g's gradient is summed within blocks of so many tokens, then over the blocks. */
type Blocks = Ways & { D: number; block: number };

/** dy · x · r of each normed head, summed over the heads of a kind, in plain ops: [N, 2, D]. */
function products({ x, dy }: Pair, { D, ...ways }: Ways & { D: number }) {
  const { heads: H, keyValueHeads: K } = ways;
  const g = tf.ones<tf.Rank.R2>([2, D]);
  const { heads, r } = unpack({ x, g }, ways);
  const each = tf.mul(tf.mul(heads, r), unpack({ x: dy, g }, ways).heads);
  return tf.stack(
    [tf.slice(each, [0, 0], [-1, H]), tf.slice(each, [0, H], [-1, K])].map((kind) => tf.sum(kind, 1)),
    1,
  );
}

const weightPartial = defineKernel({
  name: "HeadNormWeightPartial",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: Pair, { block, ...ways }: Blocks) => {
    const blocks = Math.ceil(dim(x, 0) / block);
    const over: [number, number][] = [
      [0, blocks * block - dim(x, 0)],
      [0, 0],
      [0, 0],
    ];
    return tf.sum(tf.reshape(tf.pad(products({ x, dy }, ways), over), [blocks, block, 2 * ways.D]), 1);
  },
  // A workgroup takes one kind's heads of a block, eight at a time: first each head's r, then each place's sum.
  gpu: ({ x }, { D, block, ...ways }) => ({
    outputShape: [Math.ceil(dim(x, 0) / block), 2 * D],
    workgroups: [Math.ceil(dim(x, 0) / block), 2, 1],
    workgroupSize: [lanes * 8, 1, 1],
    constants: { eps: ways.eps },
    uniforms: {
      ...uniforms(ways),
      size: { type: "uint32", value: D },
      block: { type: "uint32", value: block },
    },
    wgsl: ({ eps }) => `
      var<workgroup> partials: array<f32, 64>;
      var<workgroup> scales: array<f32, 8>;
      fn main() {
        let D = uniforms.size;
        let S = u32(uniforms.xShape[1]) / D;
        let kind = workgroupId.y;
        let each = select(uniforms.heads, uniforms.keyValueHeads, kind == 1u);
        let skipped = kind * uniforms.heads;
        let lane = localId.x % ${lanes}u;
        let first = workgroupId.x * uniforms.block * each;
        let end = min((workgroupId.x + 1u) * uniforms.block, u32(uniforms.xShape[0])) * each;
        let out = (workgroupId.x * 2u + kind) * D;
        for (var tile = first; tile < end; tile += 8u) {
          let head = tile + localId.x / ${lanes}u;
          let base = (head / each * S + skipped + head % each) * D;
          var squares = 0.0;
          if (head < end) {
            for (var d = lane; d < D; d += ${lanes}u) { squares += x[base + d] * x[base + d]; }
          }
          partials[localId.x] = squares;
          workgroupBarrier();
          if (lane == 0u) {
            var all = 0.0;
            for (var i = 0u; i < ${lanes}u; i++) { all += partials[localId.x + i]; }
            scales[localId.x / ${lanes}u] = inverseSqrt(all / f32(D) + ${eps});
          }
          workgroupBarrier();
          let count = min(8u, end - tile);
          for (var d = localId.x; d < D; d += 64u) {
            var sum = 0.0;
            for (var i = 0u; i < count; i++) {
              let at = ((tile + i) / each * S + skipped + (tile + i) % each) * D + d;
              sum += dy[at] * x[at] * scales[i];
            }
            if (tile == first) { result[out + d] = sum; } else { result[out + d] += sum; }
          }
        }
      }`,
  }),
  wasm: ({ x }, { heads, keyValueHeads, D, eps, block }) => {
    const blocks = Math.ceil(dim(x, 0) / block);
    return {
      fn: "headNormWeight",
      outputShape: [blocks, 2 * D],
      work: blocks,
      cost: 8 * x.size,
      args: [dim(x, 0), heads, keyValueHeads, D, { float: eps }, block],
    };
  },
  cases: cases().map(({ shapes: { x, g }, attrs }) => ({
    shapes: { x, dy: x },
    attrs: { ...attrs, D: g[1] ?? 0, block: 16 },
  })),
});

const weight = defineKernel({
  name: "HeadNormWeight",
  inputs: ["x", "dy"],
  reference: (pair: Pair, ways: Ways & { D: number }) => tf.sum(products(pair, ways), 0),
  compose: ({ x, dy }, ways) => {
    const partial = weightPartial({ x, dy }, { ...ways, block: rowsABlock(dim(x, 0)) });
    return tf.reshape(sumOfRows(partial as tf.Tensor2D), [2, ways.D]);
  },
  cases: cases().map(({ shapes: { x, g }, attrs }) => ({ shapes: { x, dy: x }, attrs: { ...attrs, D: g[1] ?? 0 } })),
});

const forward = defineKernel({
  name: "HeadNorm",
  inputs: ["x", "g"],
  reference: ({ x, g }: Inputs, ways: Ways) => {
    const { heads, values, r, weight } = unpack({ x, g }, ways);
    return tf.reshape(tf.concat([tf.mul(tf.mul(heads, r), weight), values], 1), x.shape);
  },
  gpu: ({ x, g }, ways) => ({
    ...grid(x, g),
    constants: { eps: ways.eps },
    uniforms: uniforms(ways),
    wgsl: ({ eps }) =>
      headSource(
        "x[i] * x[i]",
        "f32",
        `result[i] = select(x[i], x[i] * inverseSqrt(means + ${eps}) * g[first + d], isNormed);`,
      ),
  }),
  wasm: ({ x, g }, ways) => ({
    fn: "headNorm",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 16),
    args: args(x, g, ways),
  }),
  gradient: (dy, { x, g }, ways) => ({
    x: () => backward({ x, g, dy: dy as tf.Tensor2D }, ways),
    g: () => weight({ x, dy: dy as tf.Tensor2D }, { ...ways, D: dim(g, 1) }),
  }),
  cases: cases(),
});

function cases() {
  return [
    { N: 1, heads: 2, keyValueHeads: 1, D: 6 },
    { N: 37, heads: 5, keyValueHeads: 1, D: 32 },
    { N: 20, heads: 4, keyValueHeads: 2, D: 129 },
    { N: 600, heads: 3, keyValueHeads: 2, D: 6 },
  ].map(({ N, D, heads, keyValueHeads }) => ({
    shapes: { x: [N, (heads + 2 * keyValueHeads) * D], g: [2, D] },
    attrs: { heads, keyValueHeads, eps: 1e-5 },
  }));
}

export const kernels = [forward, backward, weight, weightPartial];

/** x [N, (H + 2K)·D] with each head's queries and keys normed by g [2, D]: the queries' weight, then the keys'. */
export function headNorm(x: tf.Tensor2D, g: tf.Tensor2D, ways: Ways): tf.Tensor2D {
  const { heads, keyValueHeads, eps } = ways;
  return forward({ x, g }, { heads, keyValueHeads, eps }) as tf.Tensor2D;
}

/**
 * @file Causal attention within documents, with grouped queries (Ainslie et al. 2023).
 *
 *   s_ij = q_i · k_j / √D   for j ≤ i with segment_j = segment_i, else −∞
 *   p = softmax_j(s)        y_i = Σ_j p_ij v_j
 *
 *   lse_i = log Σ_j exp s_ij            δ_i = dy_i · y_i
 *   p_ij = exp(s_ij − lse_i)            ds_ij = p_ij (dy_i · v_j − δ_i)
 *   dq_i = Σ_j ds_ij k_j / √D           dk_j = Σ_i ds_ij q_i / √D          dv_j = Σ_i p_ij dy_i
 *
 * The backward pass is that of flash attention (Dao 2023): no [T, T] matrix is kept.
 * Shapes: qkv, dqkv [B, H + 2K, T, D]; segments [B·T] int32; y, dy [B·T, H·D]; statistics [B, H, T, 2] of lse and δ.
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";
import { scoresScratch } from "./wasmBackend";

type Inputs = { qkv: tf.Tensor4D; segments: tf.Tensor1D };
type Heads = { heads: number; keyValueHeads: number };

/** q, k, v as [B, H, T, D], keys and values repeated for their groups, and which places see which: [B, 1, T, T]. */
function unpack({ qkv, segments }: Inputs, { heads: H, keyValueHeads: K }: Heads) {
  const [B, , T, D] = qkv.shape;
  const repeat = (first: number) => {
    const one = tf.reshape(tf.slice(qkv, [0, first, 0, 0], [B, K, T, D]), [B * K, 1, T * D]);
    return tf.reshape<tf.Rank.R4>(tf.tile(one, [1, H / K, 1]), [B, H, T, D]);
  };
  const rows = tf.reshape(segments, [B, 1, T, 1]);
  const order = tf.range(0, T, 1, "int32");
  const causal = tf.greaterEqual(tf.reshape(order, [1, 1, T, 1]), tf.reshape(order, [1, 1, 1, T]));
  const seen = tf.logicalAnd(tf.equal(rows, tf.reshape(segments, [B, 1, 1, T])), causal);
  return { q: tf.slice(qkv, [0, 0, 0, 0], [B, H, T, D]), k: repeat(H), v: repeat(H + K), seen };
}

function scores(q: tf.Tensor4D, k: tf.Tensor4D, seen: tf.Tensor): tf.Tensor4D {
  const s = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(dim(q, 3)));
  return tf.where(seen, s, tf.fill([1, 1, 1, 1], -1e30)) as tf.Tensor4D;
}

/** [B·T, H·D] → [B, H, T, D]. */
function byHead(y: tf.Tensor2D, qkv: tf.Tensor4D, H: number): tf.Tensor4D {
  const [B, , T, D] = qkv.shape;
  return tf.transpose<tf.Tensor4D>(tf.reshape(y, [B, T, H, D]), [0, 2, 1, 3]);
}

/** The meaning of attention. */
function attend({ qkv, segments }: Inputs, heads: Heads): tf.Tensor2D {
  const [B, , T, D] = qkv.shape;
  const { q, k, v, seen } = unpack({ qkv, segments }, heads);
  const y = tf.matMul(tf.softmax(scores(q, k, seen)), v);
  return tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [B * T, heads.heads * D]);
}

const sizes = [
  { B: 1, T: 3, heads: 1, keyValueHeads: 1, D: 4 },
  { B: 2, T: 9, heads: 4, keyValueHeads: 2, D: 8 },
  { B: 2, T: 37, heads: 5, keyValueHeads: 1, D: 32 },
];
const cases = sizes.map(({ B, T, D, ...attrs }) => ({
  shapes: { qkv: [B, attrs.heads + 2 * attrs.keyValueHeads, T, D], segments: [B * T] },
  attrs,
  whole: { segments: [2] },
}));
const yShape = ({ B, T, D, heads }: (typeof sizes)[number]) => [B * T, heads * D];

/** WGSL: indices into qkv and y for one row of the batch, and the scaled score of two places. */
const places = (D: number, H: number, K: number) => `
  const D = ${D}u;
  const H = ${H}u;
  const K = ${K}u;
  fn at(b: u32, head: u32, i: u32, T: u32) -> u32 { return ((b * (H + 2u * K) + head) * T + i) * D; }
  fn score(qi: u32, kj: u32) -> f32 {
    var s = 0.0;
    for (var d = 0u; d < D; d++) { s += qkv[qi + d] * qkv[kj + d]; }
    return s * ${1 / Math.sqrt(D)};
  }`;
const constantsOf = (qkv: tf.Tensor, { heads, keyValueHeads }: Heads) => ({
  D: dim(qkv, 3),
  H: heads,
  K: keyValueHeads,
});
const numbers = (c: Record<string, number>) => [c["D"] ?? 0, c["H"] ?? 0, c["K"] ?? 0] as const;

const statistics = defineKernel({
  name: "AttentionStatistics",
  inputs: ["qkv", "segments", "y", "dy"],
  reference: ({ qkv, segments, y, dy }: Inputs & { y: tf.Tensor2D; dy: tf.Tensor2D }, heads: Heads) => {
    const { q, k, seen } = unpack({ qkv, segments }, heads);
    const lse = tf.logSumExp(scores(q, k, seen), -1);
    return tf.stack([lse, tf.sum(byHead(tf.mul(y, dy), qkv, heads.heads), -1)], -1);
  },
  gpu: ({ qkv }, heads) => ({
    ...perElement([dim(qkv, 0), heads.heads, dim(qkv, 2), 2], dim(qkv, 0) * heads.heads * dim(qkv, 2)),
    constants: constantsOf(qkv, heads),
    wgsl: (constants) => `
      ${places(...numbers(constants))}
      fn main() {
        let me = ${element};
        let T = u32(uniforms.qkvShape[2]);
        if (me >= u32(uniforms.qkvShape[0]) * H * T) { return; }
        let b = me / (H * T);
        let h = (me / T) % H;
        let i = me % T;
        let qi = at(b, h, i, T);
        let segment = segments[b * T + i];
        var top = -1e30;
        var sum = 0.0;
        for (var j = 0u; j <= i; j++) {
          if (segments[b * T + j] != segment) { continue; }
          let s = score(qi, at(b, H + h / (H / K), j, T));
          let higher = max(top, s);
          sum = sum * exp(top - higher) + exp(s - higher);
          top = higher;
        }
        var delta = 0.0;
        let yi = ((b * T + i) * H + h) * D;
        for (var d = 0u; d < D; d++) { delta += y[yi + d] * dy[yi + d]; }
        result[me * 2u] = top + log(sum);
        result[me * 2u + 1u] = delta;
      }`,
  }),
  cases: cases.map(({ shapes, attrs, whole }, i) => {
    const y = yShape(sizes[i] as (typeof sizes)[number]);
    return { shapes: { ...shapes, y, dy: y }, attrs, whole };
  }),
});

const backward = defineKernel({
  name: "AttentionBack",
  inputs: ["qkv", "segments", "dy", "stats"],
  reference: ({ qkv, segments, dy, stats }: Inputs & { dy: tf.Tensor2D; stats: tf.Tensor4D }, heads: Heads) => {
    const { heads: H, keyValueHeads: K } = heads;
    const [B, , T, D] = qkv.shape;
    const { q, k, v, seen } = unpack({ qkv, segments }, heads);
    const [lse, delta] = tf.split(stats, 2, -1) as [tf.Tensor4D, tf.Tensor4D];
    const p = tf.exp(tf.sub(scores(q, k, seen), lse));
    const dyh = byHead(dy, qkv, H);
    const ds = tf.mul(tf.mul(p, tf.sub(tf.matMul(dyh, v, false, true), delta)), 1 / Math.sqrt(D));
    const gather = (x: tf.Tensor) => tf.sum<tf.Tensor4D>(tf.reshape(x, [B, K, H / K, T, D]), 2);
    return tf.concat([tf.matMul(ds, k), gather(tf.matMul(ds, q, true)), gather(tf.matMul(p, dyh, true))], 1);
  },
  gpu: ({ qkv }, heads) => ({
    ...perElement(qkv.shape, dim(qkv, 0) * dim(qkv, 1) * dim(qkv, 2)),
    constants: constantsOf(qkv, heads),
    wgsl: (constants) => `
      ${places(...numbers(constants))}
      fn p(qi: u32, kj: u32, row: u32) -> f32 { return exp(score(qi, kj) - stats[row * 2u]); }
      fn pull(yi: u32, vj: u32) -> f32 {
        var s = 0.0;
        for (var d = 0u; d < D; d++) { s += dy[yi + d] * qkv[vj + d]; }
        return s;
      }
      fn main() {
        let me = ${element};
        let T = u32(uniforms.qkvShape[2]);
        if (me >= u32(uniforms.qkvShape[0]) * (H + 2u * K) * T) { return; }
        let b = me / ((H + 2u * K) * T);
        let head = (me / T) % (H + 2u * K);
        let i = me % T;
        let segment = segments[b * T + i];
        var sum: array<f32, ${Number(constants["D"])}>;
        if (head < H) {
          let row = (b * H + head) * T + i;
          let yi = ((b * T + i) * H + head) * D;
          for (var j = 0u; j <= i; j++) {
            if (segments[b * T + j] != segment) { continue; }
            let kj = at(b, H + head / (H / K), j, T);
            let vj = at(b, H + K + head / (H / K), j, T);
            let ds = p(me * D, kj, row) * (pull(yi, vj) - stats[row * 2u + 1u]) * ${1 / Math.sqrt(Number(constants["D"]))};
            for (var d = 0u; d < D; d++) { sum[d] += ds * qkv[kj + d]; }
          }
        } else {
          let group = (head - H) % K;
          let isKey = head < H + K;
          let kj = at(b, H + group, i, T);
          let vj = at(b, H + K + group, i, T);
          for (var h = group * (H / K); h < (group + 1u) * (H / K); h++) {
            for (var j = i; j < T; j++) {
              if (segments[b * T + j] != segment) { continue; }
              let row = (b * H + h) * T + j;
              let qi = at(b, h, j, T);
              let yi = ((b * T + j) * H + h) * D;
              let weight = p(qi, kj, row);
              if (isKey) {
                let ds = weight * (pull(yi, vj) - stats[row * 2u + 1u]) * ${1 / Math.sqrt(Number(constants["D"]))};
                for (var d = 0u; d < D; d++) { sum[d] += ds * qkv[qi + d]; }
              } else {
                for (var d = 0u; d < D; d++) { sum[d] += weight * dy[yi + d]; }
              }
            }
          }
        }
        for (var d = 0u; d < D; d++) { result[me * D + d] = sum[d]; }
      }`,
  }),
  cases: cases.map(({ shapes, attrs, whole }, i) => {
    const { B, T, heads } = sizes[i] as (typeof sizes)[number];
    return {
      shapes: { ...shapes, dy: yShape(sizes[i] as (typeof sizes)[number]), stats: [B, heads, T, 2] },
      attrs,
      whole,
    };
  }),
});

/** The CPU path's whole derivative: with a block of rows at hand, their softmax costs less than keeping statistics. */
const backwardWhole = defineKernel({
  name: "AttentionBackWhole",
  inputs: ["qkv", "segments", "dy"],
  reference: ({ qkv, segments, dy }: Inputs & { dy: tf.Tensor2D }, heads: Heads): tf.Tensor => {
    const y = attend({ qkv, segments }, heads);
    const stats = statistics.kernel.reference({ qkv, segments, y, dy }, heads) as tf.Tensor4D;
    return backward.kernel.reference({ qkv, segments, dy, stats }, heads) as tf.Tensor;
  },
  wasm: ({ qkv }, { heads, keyValueHeads }) => ({
    fn: "attentionBack",
    outputShape: qkv.shape,
    work: dim(qkv, 0) * keyValueHeads,
    args: [heads, keyValueHeads, dim(qkv, 2), dim(qkv, 3)],
    scratch: scoresScratch(dim(qkv, 2), 2),
    cost: 6 * qkv.size * dim(qkv, 2),
  }),
  cases: cases.map(({ shapes, attrs, whole }, i) => ({
    shapes: { ...shapes, dy: yShape(sizes[i] as (typeof sizes)[number]) },
    attrs,
    whole,
  })),
});

const forward = defineKernel({
  name: "Attention",
  inputs: ["qkv", "segments"],
  reference: attend,
  gpu: ({ qkv }, heads) => ({
    ...perElement([dim(qkv, 0) * dim(qkv, 2), heads.heads * dim(qkv, 3)], dim(qkv, 0) * heads.heads * dim(qkv, 2)),
    constants: constantsOf(qkv, heads),
    wgsl: (constants) => `
      ${places(...numbers(constants))}
      fn main() {
        let me = ${element};
        let T = u32(uniforms.qkvShape[2]);
        if (me >= u32(uniforms.qkvShape[0]) * H * T) { return; }
        let b = me / (H * T);
        let h = (me / T) % H;
        let i = me % T;
        let qi = at(b, h, i, T);
        let segment = segments[b * T + i];
        var y: array<f32, ${Number(constants["D"])}>;
        var top = -1e30;
        var sum = 0.0;
        for (var j = 0u; j <= i; j++) {
          if (segments[b * T + j] != segment) { continue; }
          let s = score(qi, at(b, H + h / (H / K), j, T));
          let vj = at(b, H + K + h / (H / K), j, T);
          let higher = max(top, s);
          let fade = exp(top - higher);
          let weight = exp(s - higher);
          sum = sum * fade + weight;
          for (var d = 0u; d < D; d++) { y[d] = y[d] * fade + weight * qkv[vj + d]; }
          top = higher;
        }
        for (var d = 0u; d < D; d++) { result[((b * T + i) * H + h) * D + d] = y[d] / sum; }
      }`,
  }),
  wasm: ({ qkv }, { heads, keyValueHeads }) => ({
    fn: "attention",
    outputShape: [dim(qkv, 0) * dim(qkv, 2), heads * dim(qkv, 3)],
    work: dim(qkv, 0) * heads,
    args: [heads, keyValueHeads, dim(qkv, 2), dim(qkv, 3)],
    scratch: scoresScratch(dim(qkv, 2), 1),
    cost: 2 * qkv.size * dim(qkv, 2),
  }),
  gradient: (dy, { qkv, segments }, heads, { ys: [y] }) => ({
    qkv: () => {
      const inputs = { qkv, segments, dy: dy as tf.Tensor2D };
      if (tf.getBackend() !== "webgpu") return backwardWhole(inputs, heads);
      const stats = statistics({ ...inputs, y: y as tf.Tensor2D }, heads) as tf.Tensor4D;
      return backward({ ...inputs, stats }, heads);
    },
  }),
  savesOutput: true,
  cases,
});

export const kernels = [forward, statistics, backward, backwardWhole];

/** qkv [B, H + 2K, T, D], segments [B·T] → [B·T, H·D]. */
export function attention(qkv: tf.Tensor4D, segments: tf.Tensor1D, heads: Heads): tf.Tensor2D {
  return forward({ qkv, segments }, heads) as tf.Tensor2D;
}

/**
 * @file From projections, token by token, to heads, with rotary position embedding (Su et al. 2021) on the way.
 *
 *   q, k, v [B·T, heads·D] → qkv [B, H + 2K, T, D]: the query heads, then the keys, then the values
 *
 * Queries and keys are rotated by position as Hugging Face lays the pairs out, place d with place d + D/2:
 *
 *   y[d] = x[d] · cos − x[d + D/2] · sin        y[d + D/2] = x[d + D/2] · cos + x[d] · sin
 *
 * The projections may also come side by side, as one product makes them: x [B·T, (H + 2K)·D].
 *
 * The gradient is the same rotation backwards. `table` [P, D] holds each position's cosines, then its sines.
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

type Table = { positions: tf.Tensor1D; table: tf.Tensor2D };
type Projections = Table & { q: tf.Tensor2D; k: tf.Tensor2D; v: tf.Tensor2D };
type Layout = { rows: number; length: number; heads: number; keyValueHeads: number };
type Stacked = Table & { x: tf.Tensor2D };
/** Which heads go back, and whether they were rotated (1) or not (0). */
type Part = { first: number; count: number; rotated: number };

const sizes = [
  { rows: 1, length: 3, heads: 2, keyValueHeads: 1, D: 4 },
  { rows: 3, length: 9, heads: 4, keyValueHeads: 2, D: 8 },
  { rows: 2, length: 33, heads: 5, keyValueHeads: 1, D: 32 },
];
const P = 40;

/** x [B, T, n, D] rotated by each place's angle, or by its negative. */
function rotate(x: tf.Tensor4D, { positions, table }: Table, sign: 1 | -1): tf.Tensor4D {
  const [B, T, , D] = x.shape;
  const angles = tf.reshape(tf.gather(table, positions), [B, T, 1, D]);
  const [cos, sin] = tf.split(angles, 2, -1) as [tf.Tensor4D, tf.Tensor4D];
  const [a, b] = tf.split(x, 2, -1) as [tf.Tensor4D, tf.Tensor4D];
  const s = tf.mul(sin, sign);
  const turned = [tf.sub(tf.mul(a, cos), tf.mul(b, s)), tf.add(tf.mul(b, cos), tf.mul(a, s))];
  return tf.concat(turned, -1) as tf.Tensor4D;
}

const merge = defineKernel({
  name: "MergeHeads",
  inputs: ["dy", "positions", "table"],
  reference: ({ dy, positions, table }: Table & { dy: tf.Tensor4D }, { first, count, rotated }: Part) => {
    const [B, , T, D] = dy.shape;
    const x = tf.transpose(tf.slice(dy, [0, first, 0, 0], [B, count, T, D]), [0, 2, 1, 3]);
    return tf.reshape(rotated ? rotate(x, { positions, table }, -1) : x, [B * T, count * D]);
  },
  gpu: ({ dy }, { first, count, rotated }) => ({
    ...perElement([dim(dy, 0) * dim(dy, 2), count * dim(dy, 3)]),
    constants: { D: dim(dy, 3) },
    uniforms: {
      first: { type: "uint32", value: first },
      rotated: { type: "float32", value: rotated },
    },
    wgsl: ({ D }) => `
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let at = ${element};
        if (at >= u32(uniforms.outShape[0]) * cols) { return; }
        let T = u32(uniforms.dyShape[2]);
        let token = at / cols;
        let d = at % ${D}u;
        let head = uniforms.first + (at % cols) / ${D}u;
        let base = (((token / T) * u32(uniforms.dyShape[1]) + head) * T + token % T) * ${D}u;
        let half = ${Number(D) / 2}u;
        let angle = u32(positions[token]) * ${D}u + d % half;
        let c = table[angle];
        let s = table[angle + half] * select(-1.0, 1.0, d < half);
        let turned = dy[base + d] * c + dy[base + (d + half) % ${D}u] * s;
        result[at] = select(dy[base + d], turned, uniforms.rotated > 0.5);
      }`,
  }),
  wasm: ({ dy }, { first, count, rotated }) => ({
    fn: "mergeHeads",
    outputShape: [dim(dy, 0) * dim(dy, 2), count * dim(dy, 3)],
    work: dim(dy, 0),
    args: [dim(dy, 1), dim(dy, 2), dim(dy, 3), first, count, rotated],
  }),
  cases: sizes.map(({ rows, length, heads, keyValueHeads, D }, i) => ({
    shapes: { dy: [rows, heads + 2 * keyValueHeads, length, D], positions: [rows * length], table: [P, D] },
    attrs: i ? { first: heads, count: keyValueHeads, rotated: 1 } : { first: 1, count: heads, rotated: 0 },
    whole: { positions: [P] },
  })),
});

const split = defineKernel({
  name: "SplitHeads",
  inputs: ["q", "k", "v", "positions", "table"],
  reference: (
    { q, k, v, positions, table }: Projections,
    { rows: B, length: T, heads: H, keyValueHeads: K }: Layout,
  ) => {
    const D = dim(table, 1);
    const spread = (x: tf.Tensor, n: number) => tf.reshape<tf.Rank.R4>(x, [B, T, n, D]);
    const turned = [rotate(spread(q, H), { positions, table }, 1), rotate(spread(k, K), { positions, table }, 1)];
    return tf.transpose(tf.concat([...turned, spread(v, K)], 2), [0, 2, 1, 3]);
  },
  gpu: ({ table }, { rows, length, heads, keyValueHeads }) => ({
    ...perElement([rows, heads + 2 * keyValueHeads, length, dim(table, 1)]),
    constants: { D: dim(table, 1), H: heads, K: keyValueHeads },
    wgsl: ({ D, H, K }) => `
      fn value(token: u32, head: u32, d: u32) -> f32 {
        if (head < ${H}u) { return q[(token * ${H}u + head) * ${D}u + d]; }
        if (head < ${Number(H) + Number(K)}u) { return k[(token * ${K}u + head - ${H}u) * ${D}u + d]; }
        return v[(token * ${K}u + head - ${Number(H) + Number(K)}u) * ${D}u + d];
      }
      fn main() {
        let at = ${element};
        let T = u32(uniforms.outShape[2]);
        let heads = u32(uniforms.outShape[1]);
        if (at >= u32(uniforms.outShape[0]) * heads * T * ${D}u) { return; }
        let d = at % ${D}u;
        let head = (at / (${D}u * T)) % heads;
        let token = (at / (${D}u * T * heads)) * T + (at / ${D}u) % T;
        let half = ${Number(D) / 2}u;
        let angle = u32(positions[token]) * ${D}u + d % half;
        let c = table[angle];
        let s = table[angle + half] * select(1.0, -1.0, d < half);
        let own = value(token, head, d);
        let turned = own * c + value(token, head, (d + half) % ${D}u) * s;
        result[at] = select(own, turned, head < ${Number(H) + Number(K)}u);
      }`,
  }),
  wasm: ({ table }, { rows, length, heads, keyValueHeads }) => ({
    fn: "splitHeads",
    outputShape: [rows, heads + 2 * keyValueHeads, length, dim(table, 1)],
    work: rows,
    args: [length, heads, keyValueHeads, dim(table, 1)],
  }),
  gradient: (dy, { positions, table }, { heads, keyValueHeads }) => {
    const part = (first: number, count: number, rotated: number) => () =>
      merge({ dy: dy as tf.Tensor4D, positions, table }, { first, count, rotated });
    return {
      q: part(0, heads, 1),
      k: part(heads, keyValueHeads, 1),
      v: part(heads + keyValueHeads, keyValueHeads, 0),
    };
  },
  cases: sizes.map(({ D, ...attrs }) => ({
    shapes: {
      q: [attrs.rows * attrs.length, attrs.heads * D],
      k: [attrs.rows * attrs.length, attrs.keyValueHeads * D],
      v: [attrs.rows * attrs.length, attrs.keyValueHeads * D],
      positions: [attrs.rows * attrs.length],
      table: [P, D],
    },
    attrs,
    whole: { positions: [P] },
  })),
});

const tokensAPiece = 16;
const pieces = (tokens: number) => Math.ceil(tokens / tokensAPiece);

/** WGSL: one invocation turns places `d` and `d + half` of one head of one token, or copies them. */
const turnPairs = (D: number, sign: 1 | -1, to: string, from: string) => `
  fn main() {
    let at = ${element};
    let T = uniforms.length;
    let S = uniforms.count;
    if (at >= u32(uniforms.positionsShape[0]) * S * ${D / 2}u) { return; }
    let d = at % ${D / 2}u;
    ${
      sign === 1
        ? `let head = (at / (${D / 2}u * T)) % S;
    let token = (at / (${D / 2}u * T * S)) * T + (at / ${D / 2}u) % T;`
        : `let head = (at / ${D / 2}u) % S;
    let token = at / (${D / 2}u * S);`
    }
    let stacked = (token * S + head) * ${D}u + d;
    let apart = (((token / T) * S + head) * T + token % T) * ${D}u + d;
    let a = ${from};
    let b = ${from.replace("]", ` + ${D / 2}u]`)};
    let angle = u32(positions[token]) * ${D}u + d;
    let isTurned = head < uniforms.rotated;
    let c = select(1.0, table[angle], isTurned);
    let s = select(0.0, ${sign === 1 ? "" : "-"}table[angle + ${D / 2}u], isTurned);
    ${to} = a * c - b * s;
    ${to.replace("]", ` + ${D / 2}u]`)} = b * c + a * s;
  }`;

const headUniforms = (length: number, heads: number, keyValueHeads: number) => ({
  length: { type: "uint32" as const, value: length },
  count: { type: "uint32" as const, value: heads + 2 * keyValueHeads },
  rotated: { type: "uint32" as const, value: heads + keyValueHeads },
});

const mergeStacked = defineKernel({
  name: "MergeStackedHeads",
  inputs: ["dy", "positions", "table"],
  reference: (
    { dy, positions, table }: Table & { dy: tf.Tensor4D },
    { heads: H, keyValueHeads: K }: Omit<Layout, "rows" | "length">,
  ) => {
    const [B, S, T, D] = dy.shape;
    const [turned, straight] = tf.split(tf.transpose(dy, [0, 2, 1, 3]), [H + K, K], 2) as [tf.Tensor4D, tf.Tensor4D];
    return tf.reshape(tf.concat([rotate(turned, { positions, table }, -1), straight], 2), [B * T, S * D]);
  },
  gpu: ({ dy }, { heads, keyValueHeads }) => ({
    ...perElement([dim(dy, 0) * dim(dy, 2), dim(dy, 1) * dim(dy, 3)], dy.size / 2),
    constants: { D: dim(dy, 3) },
    uniforms: headUniforms(dim(dy, 2), heads, keyValueHeads),
    wgsl: ({ D }) => turnPairs(Number(D), -1, "result[stacked]", "dy[apart]"),
  }),
  wasm: ({ dy }, { heads, keyValueHeads }) => {
    const [B, S, T, D] = dy.shape;
    const args = [B * T, T, S, D, heads + keyValueHeads, tokensAPiece];
    return { fn: "mergeStacked", outputShape: [B * T, S * D], work: pieces(B * T), args };
  },
  cases: sizes.map(({ rows, length, heads, keyValueHeads, D }) => ({
    shapes: { dy: [rows, heads + 2 * keyValueHeads, length, D], positions: [rows * length], table: [P, D] },
    attrs: { heads, keyValueHeads },
    whole: { positions: [P] },
  })),
});

const splitStacked = defineKernel({
  name: "SplitStackedHeads",
  inputs: ["x", "positions", "table"],
  reference: ({ x, positions, table }: Stacked, { rows: B, length: T, heads: H, keyValueHeads: K }: Layout) => {
    const spread = tf.reshape<tf.Rank.R4>(x, [B, T, H + 2 * K, dim(table, 1)]);
    const [turned, straight] = tf.split(spread, [H + K, K], 2) as [tf.Tensor4D, tf.Tensor4D];
    return tf.transpose(tf.concat([rotate(turned, { positions, table }, 1), straight], 2), [0, 2, 1, 3]);
  },
  gpu: ({ x, table }, { rows, length, heads, keyValueHeads }) => ({
    ...perElement([rows, heads + 2 * keyValueHeads, length, dim(table, 1)], x.size / 2),
    constants: { D: dim(table, 1) },
    uniforms: headUniforms(length, heads, keyValueHeads),
    wgsl: ({ D }) => turnPairs(Number(D), 1, "result[apart]", "x[stacked]"),
  }),
  wasm: ({ table }, { rows, length, heads, keyValueHeads }) => {
    const S = heads + 2 * keyValueHeads;
    const tokens = rows * length;
    return {
      fn: "splitStacked",
      outputShape: [rows, S, length, dim(table, 1)],
      work: pieces(tokens),
      args: [tokens, length, S, dim(table, 1), heads + keyValueHeads, tokensAPiece],
    };
  },
  gradient: (dy, { positions, table }, { heads, keyValueHeads }) => ({
    x: () => mergeStacked({ dy: dy as tf.Tensor4D, positions, table }, { heads, keyValueHeads }),
  }),
  cases: sizes.map(({ D, ...attrs }) => ({
    shapes: {
      x: [attrs.rows * attrs.length, (attrs.heads + 2 * attrs.keyValueHeads) * D],
      positions: [attrs.rows * attrs.length],
      table: [P, D],
    },
    attrs,
    whole: { positions: [P] },
  })),
});

export const kernels = [split, merge, splitStacked, mergeStacked];

/**
 * Projections side by side, x [B·T, (H + 2K)·D], each row the query heads, then the keys, then the values → heads
 * [B, H + 2K, T, D], queries and keys rotated. `positions` [B·T] int32 are rows of `table` [P, D] (`ropeTable`).
 */
export function splitStackedHeads(
  x: tf.Tensor2D,
  positions: tf.Tensor1D,
  table: tf.Tensor2D,
  layout: Layout,
): tf.Tensor4D {
  return splitStacked({ x, positions, table }, layout) as tf.Tensor4D;
}

/** Projections [B·T, heads·D] → rotated heads [B, H + 2K, T, D]. */
export function splitHeads(projections: Projections, layout: Layout): tf.Tensor4D {
  return split(projections, layout) as tf.Tensor4D;
}

/** The cosines and sines of every position: [positions, D]. */
export function ropeTable(positions: number, D: number, theta: number): Float32Array {
  const table = new Float32Array(positions * D);
  for (let p = 0; p < positions; p++) {
    for (let d = 0; d < D / 2; d++) {
      // Rounded to f32 where transformers rounds, so that far positions turn by the same angle.
      const angle = Math.fround(p * Math.fround(1 / Math.fround(theta ** Math.fround((2 * d) / D))));
      table[p * D + d] = Math.cos(angle);
      table[p * D + D / 2 + d] = Math.sin(angle);
    }
  }
  return table;
}

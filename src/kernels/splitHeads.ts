/**
 * @file From projections, token by token, to heads, with rotary position embedding (Su et al. 2021) on the way.
 *
 *   x [B·T, (H + 2K)·D] → qkv [B, H + 2K, T, D]: the query heads, then the keys, then the values
 *
 * Queries and keys are rotated by position as Hugging Face lays the pairs out, place d with place d + D/2:
 *
 *   y[d] = x[d] · cos − x[d + D/2] · sin        y[d + D/2] = x[d + D/2] · cos + x[d] · sin
 *
 * The gradient is the same rotation backwards. `table` [P, D] holds each position's cosines, then its sines.
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

type Table = { positions: tf.Tensor1D; table: tf.Tensor2D };
type Layout = { rows: number; length: number; heads: number; keyValueHeads: number };
type Projected = Table & { x: tf.Tensor2D };

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

const merge = defineKernel({
  name: "MergeHeads",
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

const split = defineKernel({
  name: "SplitHeads",
  inputs: ["x", "positions", "table"],
  reference: ({ x, positions, table }: Projected, { rows: B, length: T, heads: H, keyValueHeads: K }: Layout) => {
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
  saves: ["positions", "table"],
  gradient: (dy, { positions, table }, { heads, keyValueHeads }) => ({
    x: () => merge({ dy: dy as tf.Tensor4D, positions, table }, { heads, keyValueHeads }),
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

export const kernels = [split, merge];

/**
 * Projections side by side, x [B·T, (H + 2K)·D], each row the query heads, then the keys, then the values → heads
 * [B, H + 2K, T, D], queries and keys rotated. `positions` [B·T] int32 are rows of `table` [P, D] (`ropeTable`).
 */
export function splitHeads(x: tf.Tensor2D, positions: tf.Tensor1D, table: tf.Tensor2D, layout: Layout): tf.Tensor4D {
  return split({ x, positions, table }, layout) as tf.Tensor4D;
}

/**
 * The cosines and sines, times `factor`, of every position: [positions, D]. `frequencies` [D / 2] are the radians that
 * each pair turns from one position to the next.
 */
export function ropeTable(positions: number, frequencies: Float32Array, factor = 1): Float32Array {
  const half = frequencies.length;
  const table = new Float32Array(positions * 2 * half);
  for (let p = 0; p < positions; p++) {
    frequencies.forEach((frequency, d) => {
      const angle = Math.fround(p * frequency); // rounded where transformers rounds
      table[p * 2 * half + d] = factor * Math.cos(angle);
      table[p * 2 * half + half + d] = factor * Math.sin(angle);
    });
  }
  return table;
}

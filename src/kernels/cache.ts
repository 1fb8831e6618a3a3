/**
 * @file The key-value cache of generation: what is remembered of every token, and attention of one new token to it.
 *
 * Shapes: cache [B, 2K, S, D], the key heads and then the value heads, S slots; packed [B, H + 2K, T, D] as
 * splitHeads makes it; starts, lengths [B] int32.
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

type Heads = { heads: number; keyValueHeads: number };

const sizes = [
  { B: 2, T: 1, S: 4, heads: 2, keyValueHeads: 1, D: 4 },
  { B: 3, T: 5, S: 16, heads: 4, keyValueHeads: 2, D: 8 },
  { B: 9, T: 1, S: 40, heads: 5, keyValueHeads: 1, D: 32 },
];

const fill = defineKernel({
  name: "CacheFill",
  inputs: ["cache", "packed", "starts"],
  reference: (
    { cache, packed, starts }: { cache: tf.Tensor4D; packed: tf.Tensor4D; starts: tf.Tensor1D },
    { heads: H, keyValueHeads: K }: Heads,
  ) => {
    const [B, , T, D] = packed.shape;
    const S = dim(cache, 2);
    const place = tf.sub<tf.Tensor2D>(tf.range(0, S, 1, "int32"), tf.reshape(starts, [B, 1]));
    const isNew = tf.logicalAnd(tf.greaterEqual(place, tf.scalar(0, "int32")), tf.less(place, tf.scalar(T, "int32")));
    const kept = tf.transpose(tf.slice(packed, [0, H, 0, 0], [B, 2 * K, T, D]), [0, 2, 1, 3]);
    const fresh = tf.gather(kept, tf.cast(tf.clipByValue(place, 0, T - 1), "int32"), 1, 1);
    return tf.where(tf.reshape(isNew, [B, 1, S, 1]), tf.transpose(fresh, [0, 2, 1, 3]), cache);
  },
  gpu: ({ cache }, { heads }) => ({
    ...perElement(cache.shape),
    uniforms: { heads: { type: "uint32", value: heads } },
    wgsl: () => `
      fn main() {
        let me = ${element};
        let C = u32(uniforms.cacheShape[1]);
        let S = u32(uniforms.cacheShape[2]);
        let D = u32(uniforms.cacheShape[3]);
        if (me >= u32(uniforms.cacheShape[0]) * C * S * D) { return; }
        let T = u32(uniforms.packedShape[2]);
        let b = me / (C * S * D);
        let place = i32((me / D) % S) - starts[b];
        let source = ((b * (uniforms.heads + C) + uniforms.heads + (me / (S * D)) % C) * T + u32(max(place, 0))) * D + me % D;
        if (place >= 0 && place < i32(T)) { result[me] = packed[source]; } else { result[me] = cache[me]; }
      }`,
  }),
  wasm: ({ cache, packed }, { heads }) => ({
    fn: "cacheFill",
    outputShape: cache.shape,
    inPlace: 1,
    work: dim(cache, 0),
    cost: packed.size,
    args: [heads, dim(cache, 1), dim(cache, 2), dim(packed, 2), dim(cache, 3)],
  }),
  cases: sizes.map(({ B, T, S, D, ...attrs }) => ({
    shapes: {
      cache: [B, 2 * attrs.keyValueHeads, S, D],
      packed: [B, attrs.heads + 2 * attrs.keyValueHeads, T, D],
      starts: [B],
    },
    attrs,
    whole: { starts: [S - T + 1] },
  })),
});

const attend = defineKernel({
  name: "CacheAttention",
  inputs: ["packed", "cache", "lengths"],
  reference: (
    { packed, cache, lengths }: { packed: tf.Tensor4D; cache: tf.Tensor4D; lengths: tf.Tensor1D },
    { heads: H, keyValueHeads: K }: Heads,
  ) => {
    const [B, , S, D] = cache.shape;
    const q = tf.reshape(tf.slice(packed, [0, 0, 0, 0], [B, H, 1, D]), [B, K, H / K, D]);
    const k = tf.slice(cache, [0, 0, 0, 0], [B, K, S, D]);
    const v = tf.slice(cache, [0, K, 0, 0], [B, K, S, D]);
    const seen = tf.reshape(tf.lessEqual(tf.range(0, S, 1, "int32"), tf.reshape(lengths, [B, 1])), [B, 1, 1, S]);
    const s = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D));
    const p = tf.softmax(tf.where(seen, s, tf.fill([1, 1, 1, 1], -1e30)));
    // Slots beyond the length are not yet written and may hold anything, NaN included.
    const known = tf.where(tf.reshape(seen, [B, 1, S, 1]), v, tf.zerosLike(v));
    return tf.reshape(tf.matMul(p, known), [B, H * D]);
  },
  gpu: ({ cache }, { heads, keyValueHeads }) => ({
    ...perElement([dim(cache, 0), heads * dim(cache, 3)], dim(cache, 0) * heads),
    constants: { D: dim(cache, 3), H: heads, K: keyValueHeads },
    wgsl: ({ D, H, K }) => `
      fn main() {
        let me = ${element};
        if (me >= u32(uniforms.outShape[0]) * ${H}u) { return; }
        let b = me / ${H}u;
        let h = me % ${H}u;
        let S = u32(uniforms.cacheShape[2]);
        let qi = (b * u32(uniforms.packedShape[1]) + h) * ${D}u;
        let keys = (b * ${2 * Number(K)}u + h / ${Number(H) / Number(K)}u) * S * ${D}u;
        let values = keys + ${K}u * S * ${D}u;
        var y: array<f32, ${Number(D)}>;
        var top = -1e30;
        var sum = 0.0;
        for (var j = 0u; j <= u32(lengths[b]); j++) {
          var s = 0.0;
          for (var d = 0u; d < ${D}u; d++) { s += packed[qi + d] * cache[keys + j * ${D}u + d]; }
          s *= ${1 / Math.sqrt(Number(D))};
          let higher = max(top, s);
          let fade = exp(top - higher);
          let weight = exp(s - higher);
          sum = sum * fade + weight;
          for (var d = 0u; d < ${D}u; d++) { y[d] = y[d] * fade + weight * cache[values + j * ${D}u + d]; }
          top = higher;
        }
        for (var d = 0u; d < ${D}u; d++) { result[me * ${D}u + d] = y[d] / sum; }
      }`,
  }),
  wasm: ({ cache }, { heads, keyValueHeads }) => ({
    fn: "cacheAttention",
    outputShape: [dim(cache, 0), heads * dim(cache, 3)],
    work: dim(cache, 0),
    args: [heads, keyValueHeads, dim(cache, 2), dim(cache, 3)],
    scratch: dim(cache, 2) * 4,
    cost: (2 * cache.size * heads) / keyValueHeads,
  }),
  cases: sizes.map(({ B, S, D, heads, keyValueHeads }) => ({
    shapes: { packed: [B, heads + 2 * keyValueHeads, 1, D], cache: [B, 2 * keyValueHeads, S, D], lengths: [B] },
    attrs: { heads, keyValueHeads },
    whole: { lengths: [S] },
  })),
});

export const kernels = [fill, attend];

/**
 * The cache with the keys and values of `packed` in the T slots from starts[b] on. The cache given is used up: on the
 * CPU path the result is the same memory. Dispose of it as usual.
 */
export function fillCache(cache: tf.Tensor4D, packed: tf.Tensor4D, starts: tf.Tensor1D, heads: Heads): tf.Tensor4D {
  return fill({ cache, packed, starts }, heads) as tf.Tensor4D;
}

/** One new token a row looking at slots 0 … lengths[b]: packed [B, H + 2K, 1, D] → [B, H·D]. */
export function attendCache(packed: tf.Tensor4D, cache: tf.Tensor4D, lengths: tf.Tensor1D, heads: Heads): tf.Tensor2D {
  return attend({ packed, cache, lengths }, heads) as tf.Tensor2D;
}

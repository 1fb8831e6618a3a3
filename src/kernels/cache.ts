/**
 * @file The key-value cache of generation: what is remembered of every token, and attention of one new token to it.
 *
 * Shapes: cache [B, 2K, S, D], the key heads and then the value heads, S slots; packed [B, H + 2K, T, D] as
 * splitHeads makes it; starts, lengths [B] int32.
 */

import { type MarkedHeads, type Marks, marksOf, numbers, scaleOf, type Heads as Ways } from "./attentionReference";
import { defineKernel, type Program } from "./kernel";
import { dim, element, perElement } from "./shape";
import { capped } from "./softcap";
import { tf } from "./tf";

type Heads = { heads: number; keyValueHeads: number };

const sizes = [
  { B: 2, T: 1, S: 4, heads: 2, keyValueHeads: 1, D: 4 },
  { B: 3, T: 5, S: 16, heads: 4, keyValueHeads: 2, D: 8 },
  { B: 9, T: 1, S: 40, heads: 5, keyValueHeads: 1, D: 32 },
  { B: 2, T: 3, S: 200, heads: 7, keyValueHeads: 1, D: 80 },
  { B: 3, T: 1, S: 130, heads: 2, keyValueHeads: 2, D: 128 },
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
  gpu: ({ cache, packed }, { heads }) => ({
    ...perElement(cache.shape, dim(cache, 0) * dim(cache, 1) * dim(packed, 2) * dim(cache, 3)),
    inPlace: 1,
    uniforms: { heads: { type: "uint32", value: heads } },
    wgsl: () => `
      fn main() {
        let me = ${element};
        let C = u32(uniforms.cacheShape[1]);
        let S = u32(uniforms.cacheShape[2]);
        let D = u32(uniforms.cacheShape[3]);
        let T = u32(uniforms.packedShape[2]);
        if (me >= u32(uniforms.cacheShape[0]) * C * T * D) { return; }
        let b = me / (C * T * D);
        let head = (me / (T * D)) % C;
        let place = starts[b] + i32((me / D) % T);
        if (place >= 0 && place < i32(S)) {
          cache[((b * C + head) * S + u32(place)) * D + me % D] =
            packed[((b * (uniforms.heads + C) + uniforms.heads + head) * T + (me / D) % T) * D + me % D];
        }
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

type Constants = {
  D: number;
  H: number;
  K: number;
  scale: number;
  softcap: number;
  window: number;
  /** 1 are soft, 2 hard. */
  marks?: number;
};

/** Query heads of a group that one workgroup serves: each adds D / 64 sums, rounded up, to an invocation's registers. */
const mostQueries = 4;

/** WGSL: what the mark of a lane's slot makes of its scores. */
const markSource = (marks: number, perQuery: (text: (n: number) => string) => string) =>
  marks === 1
    ? `let mark = f32(marked[b * S + slot]);
      ${perQuery((n) => `s${n} += raise${n} * mark;`)}
      `
    : `let isShown = marked[b * S + slot] != 0 || slot + 1u == slots;
      ${perQuery((n) => `s${n} = select(-1e30, s${n}, isShown);`)}
      `;

/**
 * A workgroup of 64 serves up to `mostQueries` query heads of a key-value head, which read the same cache, over tiles of
 * 64 slots with an online softmax (Milakov & Gimelshein 2018). A lane makes the scores of its own slot; then the lanes
 * stand side by side along D and add up the slots' values. Workgroup memory: the queries, and a tile of weights for each.
 */
function attendSource({ D, H, K, scale, softcap, window, marks = 0 }: Constants): string {
  const group = H / K;
  const parts = Math.ceil(group / mostQueries); // workgroups a group; the last may do a head of the one before again
  const queries = Math.ceil(group / parts);
  const perQuery = (text: (n: number) => string) => Array.from({ length: queries }, (_, n) => text(n)).join("\n");
  const perPart = (text: (part: number) => string) =>
    Array.from({ length: Math.ceil(D / 64) }, (_, part) => text(part)).join("\n");
  return `
  var<workgroup> q: array<f32, ${queries * D}>;
  var<workgroup> weights: array<f32, ${queries * 64}>;
  var<workgroup> partials: array<f32, ${queries * 64}>;
  fn main() {
    let me = localId.x;
    let b = workgroupId.y;
    let keyHead = workgroupId.x / ${parts}u;
    let head = keyHead * ${group}u + min((workgroupId.x % ${parts}u) * ${queries}u, ${group - queries}u);
    let S = u32(uniforms.cacheShape[2]);
    let slots = min(u32(lengths[b]) + 1u, S);
    let keys = (b * ${2 * K}u + keyHead) * S * ${D}u;
    let values = keys + ${K}u * S * ${D}u;
    for (var n = me; n < ${queries * D}u; n += 64u) {
      q[n] = packed[(b * ${H + 2 * K}u + head) * ${D}u + n] * ${scale};
    }
    ${perQuery((n) => `var top${n} = -1e30; var sum${n} = 0.0; ${perPart((part) => `var y${n}_${part} = 0.0;`)}`)}${marks === 1 ? perQuery((n) => `let raise${n} = bias[head + ${n}u];`) : ""}
    for (var start = ${window === 0 ? "0u" : `max(slots, ${window}u) - ${window}u`}; start < slots; start += 64u) {
      workgroupBarrier();
      let end = min(64u, slots - start);
      let slot = min(start + me, slots - 1u);
      ${perQuery((n) => `var s${n} = 0.0;`)}
      for (var d = 0u; d < ${D}u; d++) {
        let k = cache[keys + slot * ${D}u + d];
        ${perQuery((n) => `s${n} = fma(q[${n * D}u + d], k, s${n});`)}
      }
      ${perQuery((n) => (softcap === 0 ? "" : `s${n} = ${capped(`s${n}`, softcap)};`))}
      ${marks === 0 ? "" : markSource(marks, perQuery)}${perQuery((n) => `partials[${n * 64}u + me] = s${n};`)}
      workgroupBarrier();
      ${perQuery(
        (n) => `
      var higher${n} = top${n};
      for (var i = 0u; i < end; i++) { higher${n} = max(higher${n}, partials[${n * 64}u + i]); }
      let fade${n} = exp(top${n} - higher${n});
      let weight${n} = select(0.0, exp(s${n} - higher${n}), start + me < slots${marks === 2 ? " && isShown" : ""});
      weights[${n * 64}u + me] = weight${n};
      sum${n} = sum${n} * fade${n} + weight${n}; // of this lane's own slots
      top${n} = higher${n};
      ${perPart((part) => `y${n}_${part} *= fade${n};`)}`,
      )}
      workgroupBarrier();
      for (var j = 0u; j < end; j++) {
        ${perQuery((n) => `let w${n} = weights[${n * 64}u + j];`)}
        ${perPart((part) => {
          const d = `me + ${part * 64}u`;
          return `
        if (${d} < ${D}u) {
          let v = cache[values + (start + j) * ${D}u + ${d}];
          ${perQuery((n) => `y${n}_${part} = fma(w${n}, v, y${n}_${part});`)}
        }`;
        })}
      }
    }
    ${perQuery((n) => `partials[${n * 64}u + me] = sum${n};`)}
    workgroupBarrier();
    ${perQuery(
      (n) => `
    {
      var sum = 0.0;
      for (var i = 0u; i < 64u; i++) { sum += partials[${n * 64}u + i]; }
      ${perPart((part) => {
        const d = `me + ${part * 64}u`;
        return `if (${d} < ${D}u) { result[(b * ${H}u + head + ${n}u) * ${D}u + ${d}] = y${n}_${part} / sum; }`;
      })}
    }`,
    )}
  }`;
}

type Inputs = { packed: tf.Tensor4D; cache: tf.Tensor4D; lengths: tf.Tensor1D };
type Marked = { marked: tf.Tensor; bias: tf.Tensor1D };

/** The meaning of attention to a cache, with marks or without. */
function attended({ packed, cache, lengths, marked, bias }: Inputs & Partial<Marked>, ways: Ways & { hard?: number }) {
  const { heads: H, keyValueHeads: K, softcap, window, hard = 0 } = ways;
  const [B, , S, D] = cache.shape;
  const q = tf.reshape(tf.slice(packed, [0, 0, 0, 0], [B, H, 1, D]), [B, K, H / K, D]);
  const k = tf.slice(cache, [0, 0, 0, 0], [B, K, S, D]);
  const v = tf.slice(cache, [0, K, 0, 0], [B, K, S, D]);
  const back = tf.sub(tf.reshape(lengths, [B, 1]), tf.range(0, S, 1, "int32"));
  const zero = tf.scalar(0, "int32");
  const reach = tf.logicalAnd(tf.greaterEqual(back, zero), tf.less(back, tf.scalar(window ?? S, "int32")));
  const marks = marked && tf.reshape(marked, [B, S]);
  const shown = marks && hard === 1 && tf.logicalOr(tf.notEqual(marks, zero), tf.equal(back, zero));
  const seen = tf.reshape(shown ? tf.logicalAnd(reach, shown) : reach, [B, 1, 1, S]);
  const scaled = tf.mul(tf.matMul(q, k, false, true), scaleOf(ways, D));
  const s = softcap === undefined ? scaled : tf.mul(tf.tanh(tf.div(scaled, softcap)), softcap);
  const raise = (by: tf.Tensor, m: tf.Tensor) =>
    tf.mul(tf.reshape(by, [1, K, H / K, 1]), tf.reshape(tf.cast(m, "float32"), [B, 1, 1, S]));
  const raised = marks && bias && hard === 0 ? tf.add(s, raise(bias, marks)) : s;
  const p = tf.softmax(tf.where(seen, raised, tf.fill([1, 1, 1, 1], -1e30)));
  // Slots beyond the length are not yet written and may hold anything, NaN included.
  const known = tf.where(tf.reshape(seen, [B, 1, S, 1]), v, tf.zerosLike(v));
  return tf.reshape(tf.matMul(p, known), [B, H * D]);
}

const attendSizes: (Ways & { B: number; S: number; D: number })[] = [
  ...sizes.map(({ T: _, ...each }) => each),
  { B: 3, S: 200, heads: 4, keyValueHeads: 2, D: 16, window: 70 },
  { B: 4, S: 9, heads: 4, keyValueHeads: 1, D: 6, window: 3, softcap: 1.5, scale: 0.7 },
];

function attendProgram(cache: tf.Tensor, ways: Ways, marks: { marks?: number } = {}): Program {
  const { heads, keyValueHeads, softcap = 0, window = 0 } = ways;
  const D = dim(cache, 3);
  return {
    outputShape: [dim(cache, 0), heads * D],
    workgroups: [keyValueHeads * Math.ceil(heads / keyValueHeads / mostQueries), dim(cache, 0), 1],
    constants: { D, H: heads, K: keyValueHeads, scale: scaleOf(ways, D), softcap, window, ...marks },
    wgsl: (constants) => attendSource(constants as Constants),
  };
}

const attend = defineKernel({
  name: "CacheAttention",
  inputs: ["packed", "cache", "lengths"],
  reference: attended,
  gpu: ({ cache }, ways) => attendProgram(cache, ways),
  wasm: ({ cache }, ways) => ({
    fn: "cacheAttention",
    outputShape: [dim(cache, 0), ways.heads * dim(cache, 3)],
    work: dim(cache, 0),
    args: numbers(cache, ways),
    scratch: dim(cache, 2) * 4,
    cost: (2 * cache.size * ways.heads) / ways.keyValueHeads,
  }),
  cases: attendSizes.map(({ B, S, D, ...attrs }) => ({
    shapes: {
      packed: [B, attrs.heads + 2 * attrs.keyValueHeads, 1, D],
      cache: [B, 2 * attrs.keyValueHeads, S, D],
      lengths: [B],
    },
    attrs,
    whole: { lengths: [S] },
  })),
});

const attendMarked = defineKernel({
  name: "MarkedCacheAttention",
  inputs: ["packed", "cache", "lengths", "marked", "bias"],
  reference: (inputs: Inputs & Marked, ways: MarkedHeads) => attended(inputs, ways),
  gpu: ({ cache }, ways) => attendProgram(cache, ways, { marks: 1 + ways.hard }),
  wasm: ({ cache }, ways) => ({
    fn: "markedCacheAttention",
    outputShape: [dim(cache, 0), ways.heads * dim(cache, 3)],
    work: dim(cache, 0),
    args: [...numbers(cache, ways), ways.hard],
    scratch: dim(cache, 2) * 4,
    cost: (2 * cache.size * ways.heads) / ways.keyValueHeads,
  }),
  cases: attend.kernel.cases.flatMap(({ shapes, attrs, whole }) =>
    [0, 1].map((hard) => ({
      shapes: { ...shapes, marked: [shapes.cache[0] ?? 0, shapes.cache[2] ?? 0], bias: [attrs.heads] },
      attrs: { ...attrs, hard },
      whole: { ...whole, marked: [2] },
    })),
  ),
});

export const kernels = [fill, attend, attendMarked];

/**
 * The cache with the keys and values of `packed` in the T slots from starts[b] on. The cache given is used up: on a
 * graphics card and on the CPU path the result is the same memory. Dispose of it as usual.
 */
export function fillCache(cache: tf.Tensor4D, packed: tf.Tensor4D, starts: tf.Tensor1D, heads: Heads): tf.Tensor4D {
  return fill({ cache, packed, starts }, heads) as tf.Tensor4D;
}

/**
 * One new token a row looking at slots 0 … lengths[b]: packed [B, H + 2K, 1, D] → [B, H·D]. Marks, where given, are of
 * the slots, [B, S] or [B·S]; the token sees its own slot, the last, whatever its mark.
 */
export function attendCache(
  packed: tf.Tensor4D,
  cache: tf.Tensor4D,
  lengths: tf.Tensor1D,
  ways: Ways,
  marks?: Marks,
): tf.Tensor2D {
  if (!marks || !(marks.isHard || marks.bias)) return attend({ packed, cache, lengths }, ways) as tf.Tensor2D;
  const hard = marks.isHard ? 1 : 0;
  return attendMarked({ packed, cache, lengths, ...marksOf(marks) }, { ...ways, hard }) as tf.Tensor2D;
}

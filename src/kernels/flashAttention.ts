/**
 * @file Flash attention (Dao 2023) for graphics cards: attention.ts' formulas in tiles of 32 queries by 32 keys through
 * workgroup memory, 14 to 15 KB of it at any D. No [T, T] matrix exists, here or on the tape.
 *
 * Forward, over the tiles of keys (online softmax, Milakov & Gimelshein 2018):
 *   m' = max(m, max_j s_ij)      w_j = exp(s_ij − m')      l' = l · exp(m − m') + Σ_j w_j      a' = a · exp(m − m') + Σ_j w_j v_j
 *   y = a / l                    lse = m + log l
 *
 * Backward from lse and δ: p and ds are made again, tile by tile, once for dq (walking over keys) and once for dk and dv
 * (walking over the queries of every head of the group), by different workgroups of one dispatch.
 */

import { attend, attendBack, backCases, cases, type Heads, type Inputs, rowSums, scaleOf } from "./attentionReference";
import { meets, newTiles, owned, type Rows, tile, walked, walkedPlaces } from "./flashTiles";
import { defineKernel } from "./kernel";
import { dim, perRow } from "./shape";
import { capped } from "./softcap";
import type { tf } from "./tf";

/** Only what is asked for is in the source: a plain model's scores are neither bent nor windowed. */
const constantsOf = (qkv: tf.Tensor, heads: Heads) => ({
  D: dim(qkv, 3),
  H: heads.heads,
  K: heads.keyValueHeads,
  scale: scaleOf(heads, dim(qkv, 3)),
  softcap: heads.softcap ?? 0,
  window: heads.window ?? 0,
});
type Constants = ReturnType<typeof constantsOf>;

/** WGSL: the scores of these sums. */
const scored = (sums: string, { scale, softcap }: Constants) =>
  softcap === 0 ? `${sums} * ${scale}` : capped(`(${sums} * ${scale})`, softcap);
/** WGSL: the first tile of keys that a tile of queries sees. */
const firstTile = ({ window }: Constants) =>
  window === 0 ? "0u" : `(max(first + 1u, ${window}u) - ${window}u) / ${tile}u * ${tile}u`;
/** WGSL: that a key is within a query's window, or nothing. */
const within = ({ window }: Constants, key: string, query: string) =>
  window === 0 ? "" : `& (${key} + ${window}u > ${query})`;

/** WGSL: rows of qkv and of y-shaped tensors, of the head and from the row that are given as WGSL. */
const rowsOf = (D: number, H: number, K: number) => ({
  packed: (head: string, first: string, source = "qkv"): Rows => ({
    source,
    base: `(b * ${H + 2 * K}u + ${head}) * T * ${D}u`,
    step: `${D}u`,
    first,
  }),
  merged: (head: string, first: string, source: string): Rows => ({
    source,
    base: `(b * T * ${H}u + ${head}) * ${D}u`,
    step: `${H * D}u`,
    first,
  }),
});

/** The third tile: the forward pass puts its weights in the keys' place, so that values load beside keys. */
const values = "2u";
const weights = "2u";

function forwardSource(options: Constants): string {
  const { D, H, K } = options;
  const tiles = newTiles(D);
  const { row, perRow, perChunk, chunks } = tiles;
  const { packed, merged } = rowsOf(D, H, K);
  const q = packed("h", "first");
  const k = packed(`(${H}u + h / ${H / K}u)`, "start");
  const v = packed(`(${H + K}u + h / ${H / K}u)`, "start");
  return `
  ${tiles.declare}
  var<workgroup> tops: array<f32, ${tile * 8}>;
  ${meets}
  fn main() {
    let T = u32(uniforms.qkvShape[2]);
    let first = (numWorkgroups.x - 1u - workgroupId.x) * ${tile}u; // the longest walks begin first
    let h = workgroupId.y;
    let b = workgroupId.z;
    ${perRow(
      (r) => `
    let place${r} = first + ${row(r)};
    let document${r} = segments[b * T + min(place${r}, T - 1u)];
    var top${r} = -1e30;
    var sum${r} = 0.0; // of this invocation's own columns
    `,
    )}
    ${tiles.sums("y")}
    ${chunks === 1 ? tiles.load(owned, q, 0) : ""}
    for (var start = ${firstTile(options)}; start <= first; start += ${tile}u) {
      if (!meets(b * T, first, start, T)) { continue; }
      ${perRow((r) => `var s${r} = vec4<f32>();`)}
      ${perChunk(
        (chunk) => `
      workgroupBarrier();
      ${chunks === 1 ? "" : tiles.load(owned, q, chunk)}
      ${tiles.load(walked, k, chunk)}
      ${chunk === 0 ? tiles.load(values, v, 0) : ""}
      workgroupBarrier();
      ${tiles.dot("s", chunk)}`,
      )}
      ${walkedPlaces("start")}
      ${perRow(
        (r) => `
      let seen${r} = (places <= vec4<u32>(place${r})) & (documents == vec4<i32>(document${r}))
        ${within(options, "places", `vec4<u32>(place${r})`)};
      s${r} = select(vec4<f32>(-1e30), ${scored(`s${r}`, options)}, seen${r});
      tops[${row(r)} * 8u + localId.x] = max(max(s${r}.x, s${r}.y), max(s${r}.z, s${r}.w));`,
      )}
      workgroupBarrier();
      ${perRow(
        (r) => `
      {
        var top = top${r};
        for (var i = 0u; i < 8u; i++) { top = max(top, tops[${row(r)} * 8u + i]); }
        let fade = exp(top${r} - top);
        let weight = select(vec4<f32>(), exp(s${r} - top), seen${r}); // where nothing is seen yet, top is −1e30 too
        ${tiles.weight(walked, r)} = weight;
        sum${r} = sum${r} * fade + dot(weight, vec4<f32>(1.0));
        top${r} = top;
        ${perChunk((chunk) => `y${chunk}_${r} *= fade;`)}
      }`,
      )}
      workgroupBarrier();
      ${tiles.accumulate("y", walked, values, 0)}
      ${perChunk(
        (chunk) => `
      workgroupBarrier();
      ${tiles.load(values, v, chunk)}
      workgroupBarrier();
      ${tiles.accumulate("y", walked, values, chunk)}`,
        1,
      )}
    }
    ${perRow((r) => `tops[${row(r)} * 8u + localId.x] = sum${r};`)}
    workgroupBarrier();
    ${perRow(
      (r) => `
    sum${r} = 0.0;
    for (var i = 0u; i < 8u; i++) { sum${r} += tops[${row(r)} * 8u + i]; }
    if (localId.x == 0u && place${r} < T) { lse[(b * ${H}u + h) * T + place${r}] = top${r} + log(sum${r}); }`,
    )}
    ${tiles.store("y", merged("h", "first", "result"), (r) => `(1.0 / sum${r})`)}
  }`;
}

/**
 * One source for both kinds of workgroup. Those of a head of queries walk over keys and add ds · k to dq; those of a
 * head of keys walk over the queries of its group and add ds · q to dk and p · dy to dv. dy and v go to the owned or the
 * walked tile accordingly. The scores are made after dp: their last chunk of walked rows is then at hand for ds.
 */
function backwardSource(options: Constants): string {
  const { D, H, K, scale, softcap, window } = options;
  const tiles = newTiles(D);
  const { row, perRow, perChunk, chunks } = tiles;
  const { packed, merged } = rowsOf(D, H, K);
  const group = H / K;
  return `
  ${tiles.declare}
  ${meets}
  fn main() {
    let T = u32(uniforms.qkvShape[2]);
    let b = workgroupId.z;
    let isKeys = workgroupId.y < ${K}u;
    // The longest walks begin first: those from the first keys on, and those up to the last queries.
    let at = select(numWorkgroups.x - 1u - workgroupId.x, workgroupId.x, isKeys);
    let first = at * ${tile}u;
    let end = (numWorkgroups.x - 1u) * ${tile}u;
    let last = select(first, ${window === 0 ? "end" : `min(end, first + ${tile + window - 2}u)`}, isKeys);
    let keyHead = select((workgroupId.y - ${K}u) / ${group}u, workgroupId.y, isKeys);
    let firstHead = select(workgroupId.y - ${K}u, keyHead * ${group}u, isKeys);
    let lastHead = select(firstHead, firstHead + ${group - 1}u, isKeys);
    ${perRow(
      (r) => `
    let place${r} = first + ${row(r)};
    let mine${r} = min(place${r}, T - 1u);
    let document${r} = segments[b * T + mine${r}];
    let lse${r} = lse[(b * ${H}u + firstHead) * T + mine${r}]; // of queries, as delta is
    let delta${r} = delta[(b * T + mine${r}) * ${H}u + firstHead];`,
    )}
    ${tiles.sums("dqk")}
    ${tiles.sums("dv")}
    for (var h = firstHead; h <= lastHead; h++) {
      let ownedHead = select(h, ${H}u + keyHead, isKeys);
      let walkedHead = select(${H}u + keyHead, h, isKeys);
      for (var start = select(${firstTile(options)}, first, isKeys); start <= last; start += ${tile}u) {
        if (!meets(b * T, first, start, T)) { continue; }
        let queriesAt = select(first, start, isKeys);
        let keysAt = select(start, first, isKeys);
        ${perRow((r) => `var s${r} = vec4<f32>(); var dp${r} = vec4<f32>();`)}
        ${perChunk(
          (chunk) => `
        workgroupBarrier();
        ${tiles.load("select(0u, 1u, isKeys)", merged("h", "queriesAt", "dy"), chunk)}
        ${tiles.load("select(1u, 0u, isKeys)", packed(`(${H + K}u + keyHead)`, "keysAt"), chunk)}
        workgroupBarrier();
        ${tiles.dot("dp", chunk)}`,
        )}
        ${perChunk(
          (chunk) => `
        workgroupBarrier();
        ${tiles.load(owned, packed("ownedHead", "first"), chunk)}
        ${tiles.load(walked, packed("walkedHead", "start"), chunk)}
        workgroupBarrier();
        ${tiles.dot("s", chunk)}`,
        )}
        ${walkedPlaces("start")}
        let rows = (b * ${H}u + h) * T + min(places, vec4<u32>(T - 1u));
        let lses = vec4<f32>(lse[rows.x], lse[rows.y], lse[rows.z], lse[rows.w]);
        let sums = theirs * ${H}u + h;
        let deltas = vec4<f32>(delta[sums.x], delta[sums.y], delta[sums.z], delta[sums.w]);
        ${perRow(
          (r) => `
        let mine${r}s = vec4<u32>(place${r});
        let ordered${r} = select((places <= mine${r}s) ${within(options, "places", `mine${r}s`)},
          (places >= mine${r}s) ${within(options, `mine${r}s`, "places")}, isKeys);
        let seen${r} = ordered${r} & (places < vec4<u32>(T)) & (documents == vec4<i32>(document${r}));
        let score${r} = ${scored(`s${r}`, options)};
        let p${r} = select(vec4<f32>(), exp(score${r} - select(vec4<f32>(lse${r}), lses, isKeys)), seen${r});
        ${tiles.weight(weights, r)} = p${r} * (dp${r} - select(vec4<f32>(delta${r}), deltas, isKeys))
          ${softcap === 0 ? "" : `* (1.0 - score${r} * score${r} * ${1 / softcap ** 2})`};`,
        )}
        workgroupBarrier();
        ${tiles.accumulate("dqk", weights, walked, chunks - 1)}
        ${perChunk((i) => {
          const chunk = chunks - 1 - i;
          return `
        workgroupBarrier();
        ${tiles.load(walked, packed("walkedHead", "start"), chunk)}
        workgroupBarrier();
        ${tiles.accumulate("dqk", weights, walked, chunk)}`;
        }, 1)}
        if (isKeys) {
          ${perChunk(
            (chunk) => `
          workgroupBarrier();
          ${chunk === 0 ? perRow((r) => `${tiles.weight(weights, r)} = p${r};`) : ""}
          ${tiles.load(walked, merged("h", "start", "dy"), chunk)}
          workgroupBarrier();
          ${tiles.accumulate("dv", weights, walked, chunk)}`,
          )}
        }
      }
    }
    let head = select(firstHead, ${H}u + keyHead, isKeys);
    ${tiles.store("dqk", packed("head", "first", "result"), () => String(scale))}
    if (isKeys) { ${tiles.store("dv", packed(`(${H + K}u + keyHead)`, "first", "result"), () => "1.0")} }
  }`;
}

type Merged = { y: tf.Tensor2D; dy: tf.Tensor2D };
type Back = Inputs & { dy: tf.Tensor2D; lse: tf.Tensor3D; delta: tf.Tensor2D };

const tilesOf = (qkv: tf.Tensor) => Math.ceil(dim(qkv, 2) / tile);

/** δ: eight lanes a row, so that neighbours in memory are read together. */
const rowDelta = defineKernel({
  name: "FlashAttentionDelta",
  inputs: ["y", "dy"],
  reference: ({ y, dy }: Merged, { heads }: { heads: number }) => rowSums(y, dy, heads),
  gpu: ({ y }, { heads }) => ({
    ...perRow([dim(y, 0), heads], Math.ceil((dim(y, 0) * heads) / 8)),
    workgroupSize: [8, 8, 1],
    wgsl: () => `
      var<workgroup> partials: array<f32, 64>;
      fn main() {
        let H = u32(uniforms.outShape[1]);
        let D = u32(uniforms.yShape[1]) / H;
        let row = (workgroupId.y * numWorkgroups.x + workgroupId.x) * 8u + localId.y;
        let isRow = row < u32(uniforms.outShape[0]) * H;
        var sum = 0.0;
        if (isRow) {
          for (var d = localId.x; d < D; d += 8u) { sum += y[row * D + d] * dy[row * D + d]; }
        }
        partials[localId.y * 8u + localId.x] = sum;
        workgroupBarrier();
        if (localId.x == 0u && isRow) {
          for (var i = 1u; i < 8u; i++) { sum += partials[localId.y * 8u + i]; }
          result[row] = sum;
        }
      }`,
  }),
  cases: backCases.map(({ shapes: { y, dy }, attrs: { heads } }) => ({ shapes: { y, dy }, attrs: { heads } })),
});

const backward = defineKernel({
  name: "FlashAttentionBack",
  inputs: ["qkv", "segments", "dy", "lse", "delta"],
  reference: ({ qkv, segments, ...rest }: Back, heads: Heads): tf.Tensor =>
    attendBack({ qkv, segments }, rest, heads).dqkv,
  gpu: ({ qkv }, heads) => ({
    outputShape: qkv.shape,
    workgroups: [tilesOf(qkv), heads.keyValueHeads + heads.heads, dim(qkv, 0)],
    workgroupSize: newTiles(dim(qkv, 3)).workgroupSize,
    constants: constantsOf(qkv, heads),
    wgsl: (constants) => backwardSource(constants as Constants),
  }),
  cases: backCases.map(({ shapes: { y: _, ...shapes }, attrs, whole }) => ({ shapes, attrs, whole })),
});

const forward = defineKernel({
  name: "FlashAttention",
  inputs: ["qkv", "segments"],
  outputs: 2,
  sideOutputs: 1,
  reference: (inputs: Inputs, heads: Heads): tf.Tensor[] => attend(inputs, heads),
  gpu: ({ qkv }, heads) => ({
    outputShape: [dim(qkv, 0) * dim(qkv, 2), heads.heads * dim(qkv, 3)],
    more: { lse: { shape: [dim(qkv, 0), heads.heads, dim(qkv, 2)] } },
    workgroups: [tilesOf(qkv), heads.heads, dim(qkv, 0)],
    workgroupSize: newTiles(dim(qkv, 3)).workgroupSize,
    constants: constantsOf(qkv, heads),
    wgsl: (constants) => forwardSource(constants as Constants),
  }),
  gradient: (dy, { qkv, segments }, heads, { ys: [y, lse] }) => ({
    qkv: () => {
      const delta = rowDelta({ y: y as tf.Tensor2D, dy: dy as tf.Tensor2D }, heads) as tf.Tensor2D;
      return backward({ qkv, segments, dy: dy as tf.Tensor2D, lse: lse as tf.Tensor3D, delta }, heads);
    },
  }),
  savesOutput: true,
  cases,
});

export const kernels = [forward, rowDelta, backward];

/** qkv [B, H + 2K, T, D], segments [B·T] → [B·T, H·D]. */
export function flashAttention(qkv: tf.Tensor4D, segments: tf.Tensor1D, heads: Heads): tf.Tensor2D {
  return forward({ qkv, segments }, heads) as tf.Tensor2D;
}

/**
 * @file WGSL of flash attention (Dao 2023) for graphics cards: attention.ts' formulas in tiles of 32 queries by 32 keys through
 * workgroup memory, 14 to 15 KB of it at any D. No [T, T] matrix exists, here or on the tape.
 *
 * Forward, over the tiles of keys (online softmax, Milakov & Gimelshein 2018):
 *   m' = max(m, max_j s_ij)      w_j = exp(s_ij − m')      l' = l · exp(m − m') + Σ_j w_j      a' = a · exp(m − m') + Σ_j w_j v_j
 *   y = a / l                    lse = m + log l
 *
 * Backward from lse and δ: p and ds are made again, tile by tile, once for dq (walking over keys) and once for dk and dv
 * (walking over the queries of every head of the group), by different workgroups of one dispatch.
 *
 * Marks (attentionMarked.ts) are added to the scores of keys or hide keys. The workgroups of queries see all that goes into
 * dλ: each leaves its own sum, and no two write to one number.
 */

import { type Heads, type MarkedHeads, scaleOf } from "./attentionReference";
import { meets, newTiles, owned, type Rows, tile, walked, walkedPlaces } from "./flashTiles";
import { dim } from "./shape";
import { capped } from "./softcap";
import type { tf } from "./tf";

/** Only what is asked for is in the source: a plain model's scores are neither bent nor windowed. */
export const constantsOf = (qkv: tf.Tensor, heads: Heads) => ({
  D: dim(qkv, 3),
  H: heads.heads,
  K: heads.keyValueHeads,
  scale: scaleOf(heads, dim(qkv, 3)),
  softcap: heads.softcap ?? 0,
  window: heads.window ?? 0,
});
export type Constants = ReturnType<typeof constantsOf> & { marks?: number };

/** `marks` is not there without any: 1 are soft, 2 hard. */
export const marksConstant = ({ hard }: MarkedHeads) => ({ marks: 1 + hard });
const isSoft = ({ marks }: Constants) => marks === 1;
const isHard = ({ marks }: Constants) => marks === 2;

/** WGSL: the scores of these sums. */
const scored = (sums: string, { scale, softcap }: Constants) =>
  softcap === 0 ? `${sums} * ${scale}` : capped(`(${sums} * ${scale})`, softcap);
/** WGSL: the first tile of keys that a tile of queries sees. */
const firstTile = ({ window }: Constants) =>
  window === 0 ? "0u" : `(max(first + 1u, ${window}u) - ${window}u) / ${tile}u * ${tile}u`;
/** WGSL: that a key is within a query's window, or nothing. */
const within = ({ window }: Constants, key: string, query: string) =>
  window === 0 ? "" : `& (${key} + ${window}u > ${query})`;

/** WGSL: the marks of the walked places, which walkedPlaces names before. */
const walkedMarks = ({ marks }: Constants) =>
  marks === undefined
    ? ""
    : `
      let marks = vec4<i32>(marked[theirs.x], marked[theirs.y], marked[theirs.z], marked[theirs.w]);`;
/** WGSL: what soft marks of keys add to their scores. */
const raised = (options: Constants, marks: string) => (isSoft(options) ? ` + raise * vec4<f32>(${marks})` : "");
/** WGSL: that hard marks let keys be seen. */
const shown = (options: Constants, marks: string, isOwn: string) =>
  isHard(options) ? ` & ((${marks} != vec4<i32>()) | ${isOwn})` : "";

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

export function forwardSource(options: Constants): string {
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
    ${tiles.sums("y")}${isSoft(options) ? "let raise = bias[h];" : ""}
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
      ${walkedPlaces("start")}${walkedMarks(options)}
      ${perRow(
        (r) => `
      let seen${r} = (places <= vec4<u32>(place${r})) & (documents == vec4<i32>(document${r}))
        ${within(options, "places", `vec4<u32>(place${r})`)}${shown(options, "marks", `(places == vec4<u32>(place${r}))`)};
      s${r} = select(vec4<f32>(-1e30), ${scored(`s${r}`, options)}${raised(options, "marks")}, seen${r});
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

/** WGSL: λ of head h, which lies below the last row of δ. */
const raiseAfterDelta = ({ H }: Constants) => `
      let raise = delta[u32(uniforms.qkvShape[0]) * T * ${H}u + h];`;
/** WGSL: owned row r's part in dλ, before the scores' slope and scale; a tile's rows beyond the last have none. */
const partOf = (r: number) => `
        let part${r} = dot(p${r} * (dp${r} - select(vec4<f32>(delta${r}), deltas, isKeys)), vec4<f32>(marks${r}));
        draise += select(0.0, part${r}, place${r} < T);`;
/** WGSL: a tile of queries leaves its dλ. */
const sumOfInvocations = (H: number, threads: number) => `
    partials[localId.y * 8u + localId.x] = draise;
    workgroupBarrier();
    if (!isKeys && localId.x == 0u && localId.y == 0u) {
      var sum = 0.0;
      for (var i = 0u; i < ${threads}u; i++) { sum += partials[i]; }
      dbias[(b * numWorkgroups.x + at) * ${H}u + firstHead] = sum;
    }
    `;

/**
 * One source for both kinds of workgroup. Those of a head of queries walk over keys and add ds · k to dq; those of a
 * head of keys walk over the queries of its group and add ds · q to dk and p · dy to dv. dy and v go to the owned or the
 * walked tile accordingly. The scores are made after dp: their last chunk of walked rows is then at hand for ds.
 */
export function backwardSource(options: Constants): string {
  const { D, H, K, scale, softcap, window } = options;
  const tiles = newTiles(D);
  const { row, perRow, perChunk, chunks } = tiles;
  const { packed, merged } = rowsOf(D, H, K);
  const group = H / K;
  const hasMarks = options.marks !== undefined;
  const threads = tiles.workgroupSize[0] * tiles.workgroupSize[1];
  return `
  ${tiles.declare}${isSoft(options) ? `var<workgroup> partials: array<f32, ${threads}>;` : ""}
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
    let delta${r} = delta[(b * T + mine${r}) * ${H}u + firstHead];${hasMarks ? `let mark${r} = marked[b * T + mine${r}];` : ""}`,
    )}
    ${tiles.sums("dqk")}
    ${tiles.sums("dv")}${isSoft(options) ? "var draise = 0.0; // of this invocation's own scores" : ""}
    for (var h = firstHead; h <= lastHead; h++) {
      let ownedHead = select(h, ${H}u + keyHead, isKeys);
      let walkedHead = select(${H}u + keyHead, h, isKeys);${isSoft(options) ? raiseAfterDelta(options) : ""}
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
        ${walkedPlaces("start")}${walkedMarks(options)}
        let rows = (b * ${H}u + h) * T + min(places, vec4<u32>(T - 1u));
        let lses = vec4<f32>(lse[rows.x], lse[rows.y], lse[rows.z], lse[rows.w]);
        let sums = theirs * ${H}u + h;
        let deltas = vec4<f32>(delta[sums.x], delta[sums.y], delta[sums.z], delta[sums.w]);
        ${perRow(
          (r) => `
        let mine${r}s = vec4<u32>(place${r});
        let ordered${r} = select((places <= mine${r}s) ${within(options, "places", `mine${r}s`)},
          (places >= mine${r}s) ${within(options, `mine${r}s`, "places")}, isKeys);
        ${hasMarks ? `let marks${r} = select(marks, vec4<i32>(mark${r}), isKeys);` : ""}let seen${r} = ordered${r} & (places < vec4<u32>(T)) & (documents == vec4<i32>(document${r}))${shown(
          options,
          `marks${r}`,
          `(places == mine${r}s)`,
        )};
        let score${r} = ${scored(`s${r}`, options)};
        let p${r} = select(vec4<f32>(), exp(score${r}${raised(options, `marks${r}`)} - select(vec4<f32>(lse${r}), lses, isKeys)), seen${r});${
          isSoft(options) ? partOf(r) : ""
        }
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
    ${isSoft(options) ? sumOfInvocations(H, threads) : ""}let head = select(firstHead, ${H}u + keyHead, isKeys);
    ${tiles.store("dqk", packed("head", "first", "result"), () => String(scale))}
    if (isKeys) { ${tiles.store("dv", packed(`(${H + K}u + keyHead)`, "first", "result"), () => "1.0")} }
  }`;
}

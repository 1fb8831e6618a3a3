/** @file The meaning of attention and of its derivative in plain ops, and the shapes at which every path is checked. */

import { dim } from "./shape";
import { tf } from "./tf";

export type Inputs = { qkv: tf.Tensor4D; segments: tf.Tensor1D };
export type Heads = {
  heads: number;
  keyValueHeads: number;
  /** What scores are multiplied by; 1 / √D where not said. */
  scale?: number;
  /** Scores s become c · tanh(s / c). */
  softcap?: number;
  /** A place sees so many places, itself the last of them. */
  window?: number;
};

export const scaleOf = ({ scale }: Heads, D: number): number => scale ?? 1 / Math.sqrt(D);

/** q, k, v as [B, H, T, D], keys and values repeated for their groups, and which places see which: [B, 1, T, T]. */
function unpack({ qkv, segments }: Inputs, { heads: H, keyValueHeads: K, window }: Heads) {
  const [B, , T, D] = qkv.shape;
  const repeat = (first: number) => {
    const one = tf.reshape(tf.slice(qkv, [0, first, 0, 0], [B, K, T, D]), [B * K, 1, T * D]);
    return tf.reshape<tf.Rank.R4>(tf.tile(one, [1, H / K, 1]), [B, H, T, D]);
  };
  const rows = tf.reshape(segments, [B, 1, T, 1]);
  const order = tf.range(0, T, 1, "int32");
  const back = tf.sub(tf.reshape(order, [1, 1, T, 1]), tf.reshape(order, [1, 1, 1, T]));
  const inReach = tf.logicalAnd(
    tf.greaterEqual(back, tf.scalar(0, "int32")),
    tf.less(back, tf.scalar(window ?? T, "int32")),
  );
  const seen = tf.logicalAnd(tf.equal(rows, tf.reshape(segments, [B, 1, 1, T])), inReach);
  return { q: tf.slice(qkv, [0, 0, 0, 0], [B, H, T, D]), k: repeat(H), v: repeat(H + K), seen };
}

/** Every score, seen or not. */
function scores(q: tf.Tensor4D, k: tf.Tensor4D, heads: Heads): tf.Tensor4D {
  const s = tf.mul<tf.Tensor4D>(tf.matMul(q, k, false, true), scaleOf(heads, dim(q, 3)));
  return heads.softcap === undefined ? s : tf.mul(tf.tanh(tf.div(s, heads.softcap)), heads.softcap);
}

const masked = (s: tf.Tensor4D, seen: tf.Tensor): tf.Tensor4D => tf.where(seen, s, tf.fill([1, 1, 1, 1], -1e30));

/** y [B·T, H·D] and log-sum-exp [B, H, T]. */
export function attend({ qkv, segments }: Inputs, heads: Heads): [tf.Tensor2D, tf.Tensor3D] {
  const [B, , T, D] = qkv.shape;
  const { q, k, v, seen } = unpack({ qkv, segments }, heads);
  const s = masked(scores(q, k, heads), seen);
  const y = tf.transpose(tf.matMul(tf.softmax(s), v), [0, 2, 1, 3]);
  return [tf.reshape(y, [B * T, heads.heads * D]), tf.logSumExp<tf.Tensor3D>(s, -1)];
}

/** δ [B·T, H]: each row's dy · y, by head. */
export function rowSums(y: tf.Tensor2D, dy: tf.Tensor2D, heads: number): tf.Tensor2D {
  const [rows, width] = y.shape;
  return tf.sum<tf.Tensor2D>(tf.reshape(tf.mul(y, dy), [rows, heads, width / heads]), -1);
}

/** dqkv from dy [B·T, H·D], log-sum-exp [B, H, T] and δ [B·T, H]. */
export function attendBack(
  { qkv, segments }: Inputs,
  { dy, lse, delta }: { dy: tf.Tensor2D; lse: tf.Tensor3D; delta: tf.Tensor2D },
  heads: Heads,
): tf.Tensor4D {
  const { heads: H, keyValueHeads: K } = heads;
  const [B, , T, D] = qkv.shape;
  const { q, k, v, seen } = unpack({ qkv, segments }, heads);
  const s = scores(q, k, heads);
  const p = tf.exp(tf.sub(masked(s, seen), tf.reshape(lse, [B, H, T, 1])));
  const dyh = tf.transpose(tf.reshape(dy, [B, T, H, D]), [0, 2, 1, 3]);
  const deltas = tf.reshape(tf.transpose(tf.reshape(delta, [B, T, H]), [0, 2, 1]), [B, H, T, 1]);
  const dcapped = tf.mul(p, tf.sub(tf.matMul(dyh, v, false, true), deltas));
  const slope = heads.softcap === undefined ? 1 : tf.sub(1, tf.square(tf.div(s, heads.softcap)));
  const ds = tf.mul(tf.mul(dcapped, slope), scaleOf(heads, D));
  const gather = (x: tf.Tensor) => tf.sum<tf.Tensor4D>(tf.reshape(x, [B, K, H / K, T, D]), 2);
  return tf.concat([tf.matMul<tf.Tensor4D>(ds, k), gather(tf.matMul(ds, q, true)), gather(tf.matMul(p, dyh, true))], 1);
}

/**
 * Lengths beside those of a tile of 32, head sizes beside those of a chunk of 32, one document or several mixed. Several
 * lengths share a head size, as they share its pipelines, which a software adapter is slow to compile.
 */
const sizes: (Heads & { B: number; T: number; D: number; documents: number })[] = [
  { B: 2, T: 9, heads: 4, keyValueHeads: 2, D: 8, documents: 2 },
  { B: 1, T: 31, heads: 1, keyValueHeads: 1, D: 6, documents: 2 },
  { B: 3, T: 1, heads: 5, keyValueHeads: 1, D: 32, documents: 1 },
  { B: 2, T: 37, heads: 5, keyValueHeads: 1, D: 32, documents: 2 },
  { B: 1, T: 97, heads: 5, keyValueHeads: 1, D: 32, documents: 40 },
  { B: 1, T: 32, heads: 2, keyValueHeads: 1, D: 64, documents: 1 },
  { B: 2, T: 65, heads: 2, keyValueHeads: 1, D: 64, documents: 3 },
  { B: 1, T: 33, heads: 2, keyValueHeads: 1, D: 80, documents: 1 },
  { B: 1, T: 65, heads: 2, keyValueHeads: 1, D: 128, documents: 1 },
  { B: 2, T: 37, heads: 4, keyValueHeads: 2, D: 32, documents: 2, window: 5 },
  { B: 1, T: 97, heads: 2, keyValueHeads: 1, D: 32, documents: 1, window: 33 },
  { B: 2, T: 65, heads: 2, keyValueHeads: 1, D: 64, documents: 2, softcap: 1.5, scale: 0.3 },
  { B: 1, T: 75, heads: 2, keyValueHeads: 2, D: 16, documents: 1, window: 1, softcap: 2 },
];

export const cases = sizes.map(({ B, T, D, documents, ...attrs }) => ({
  shapes: { qkv: [B, attrs.heads + 2 * attrs.keyValueHeads, T, D], segments: [B * T] },
  attrs,
  whole: { segments: [documents] },
}));

/** The same cases, with what the derivative reads beside the inputs. */
export const backCases = cases.map(({ shapes, attrs, whole }) => {
  const [B, , T, D] = shapes.qkv as [number, number, number, number];
  const y = [B * T, attrs.heads * D];
  return { shapes: { ...shapes, y, dy: y, lse: [B, attrs.heads, T], delta: [B * T, attrs.heads] }, attrs, whole };
});

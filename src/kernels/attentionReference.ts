/** @file The meaning of attention and of its derivative in plain ops, and the shapes at which every path is checked. */

import { dim } from "./shape";
import { tf } from "./tf";

export type Inputs = { qkv: tf.Tensor4D; segments: tf.Tensor1D };
/** Marks that stand beside each other place, m [B·T] int32 of 0 and 1; λ [H], which is not read where marks are hard. */
export type MarkedInputs = Inputs & { marked: tf.Tensor1D; bias: tf.Tensor1D };
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

/** Attention's ways with marks: `hard` 1 hides what is not marked, 0 raises the scores of what is. */
export type MarkedHeads = Heads & { hard: number };

/** Which tokens carry logic, and what attention makes of it (LoAR). */
export type Marks = {
  /** m int32 of 0 and 1: [B·T] of the places of attention, [B, S] or [B·S] of the slots of a cache. */
  marked: tf.Tensor;
  /** λ [H], trained: λ_h · m_j is added to the score of key j. Not read where marks are hard; null adds nothing. */
  bias: tf.Tensor1D | null;
  /** Keys that are not marked are hidden from all tokens but their own. */
  isHard: boolean;
};

/** The inputs of a kernel for these marks, which has all of them: the marks stand in for a λ that is not read. */
export const marksOf = ({ marked, bias, isHard }: Marks) => ({
  marked: marked as tf.Tensor1D,
  bias: isHard || !bias ? (marked as tf.Tensor1D) : bias,
});

export const scaleOf = ({ scale }: Heads, D: number): number => scale ?? 1 / Math.sqrt(D);

/** What the compiled functions take of attention over x [.., .., T or S, D]; 0 stands for no window and no cap. */
export const numbers = (x: tf.TensorInfo, heads: Heads) => [
  heads.heads,
  heads.keyValueHeads,
  dim(x, 2),
  dim(x, 3),
  { float: scaleOf(heads, dim(x, 3)) },
  heads.window ?? 0,
  { float: heads.softcap ?? 0 },
];

type Given = Inputs & Partial<MarkedInputs>;
type Ways = Heads & Partial<MarkedHeads>;

/** q, k, v as [B, H, T, D], keys and values repeated for their groups, and which places see which: [B, 1, T, T]. */
function unpack({ qkv, segments, marked }: Given, { heads: H, keyValueHeads: K, window, hard = 0 }: Ways) {
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
  const inDocument = tf.logicalAnd(tf.equal(rows, tf.reshape(segments, [B, 1, 1, T])), inReach);
  const zero = tf.scalar(0, "int32");
  const shown = () =>
    tf.logicalOr(tf.notEqual(tf.reshape(marked as tf.Tensor, [B, 1, 1, T]), zero), tf.equal(back, zero));
  const seen = hard === 0 ? inDocument : tf.logicalAnd(inDocument, shown());
  return { q: tf.slice(qkv, [0, 0, 0, 0], [B, H, T, D]), k: repeat(H), v: repeat(H + K), seen };
}

/** Scores plus λ_h · m_j, where marks are soft. */
function raised(s: tf.Tensor4D, { marked, bias }: Given, { hard = 0 }: Ways): tf.Tensor4D {
  if (!marked || !bias || hard !== 0) return s;
  const [B, H, , T] = s.shape;
  const marks = tf.reshape(tf.cast(marked, "float32"), [B, 1, 1, T]);
  return tf.add(s, tf.mul(tf.reshape(bias, [1, H, 1, 1]), marks));
}

/** Every score, seen or not. */
function scores(q: tf.Tensor4D, k: tf.Tensor4D, heads: Heads): tf.Tensor4D {
  const s = tf.mul<tf.Tensor4D>(tf.matMul(q, k, false, true), scaleOf(heads, dim(q, 3)));
  return heads.softcap === undefined ? s : tf.mul(tf.tanh(tf.div(s, heads.softcap)), heads.softcap);
}

const masked = (s: tf.Tensor4D, seen: tf.Tensor): tf.Tensor4D => tf.where(seen, s, tf.fill([1, 1, 1, 1], -1e30));

/** y [B·T, H·D] and log-sum-exp [B, H, T]. */
export function attend(inputs: Given, heads: Ways): [tf.Tensor2D, tf.Tensor3D] {
  const [B, , T, D] = inputs.qkv.shape;
  const { q, k, v, seen } = unpack(inputs, heads);
  const s = masked(raised(scores(q, k, heads), inputs, heads), seen);
  const y = tf.transpose(tf.matMul(tf.softmax(s), v), [0, 2, 1, 3]);
  return [tf.reshape(y, [B * T, heads.heads * D]), tf.logSumExp<tf.Tensor3D>(s, -1)];
}

/** δ [B·T, H]: each row's dy · y, by head. */
export function rowSums(y: tf.Tensor2D, dy: tf.Tensor2D, heads: number): tf.Tensor2D {
  const [rows, width] = y.shape;
  return tf.sum<tf.Tensor2D>(tf.reshape(tf.mul(y, dy), [rows, heads, width / heads]), -1);
}

/** dqkv and p (dp − δ) [B, H, T, T], from dy [B·T, H·D], log-sum-exp [B, H, T] and δ [B·T, H]. */
export function attendBack(
  inputs: Given,
  { dy, lse, delta }: { dy: tf.Tensor2D; lse: tf.Tensor3D; delta: tf.Tensor2D },
  heads: Ways,
): { dqkv: tf.Tensor4D; dcapped: tf.Tensor4D } {
  const { heads: H, keyValueHeads: K } = heads;
  const [B, , T, D] = inputs.qkv.shape;
  const { q, k, v, seen } = unpack(inputs, heads);
  const s = scores(q, k, heads);
  const p = tf.exp(tf.sub(masked(raised(s, inputs, heads), seen), tf.reshape(lse, [B, H, T, 1])));
  const dyh = tf.transpose(tf.reshape(dy, [B, T, H, D]), [0, 2, 1, 3]);
  const deltas = tf.reshape(tf.transpose(tf.reshape(delta, [B, T, H]), [0, 2, 1]), [B, H, T, 1]);
  const dcapped = tf.mul<tf.Tensor4D>(p, tf.sub(tf.matMul(dyh, v, false, true), deltas));
  const slope = heads.softcap === undefined ? 1 : tf.sub(1, tf.square(tf.div(s, heads.softcap)));
  const ds = tf.mul(tf.mul(dcapped, slope), scaleOf(heads, D));
  const gather = (x: tf.Tensor) => tf.sum<tf.Tensor4D>(tf.reshape(x, [B, K, H / K, T, D]), 2);
  const [dq, dk, dv] = [tf.matMul<tf.Tensor4D>(ds, k), tf.matMul(ds, q, true), tf.matMul(p, dyh, true)];
  return { dqkv: tf.concat([dq, gather(dk), gather(dv)], 1), dcapped };
}

/** What makes dλ when its rows are summed: Σ_j p (dp − δ) m_j summed over blocks of so many queries, [B · ⌈T / block⌉, H]. */
export function markSums(dcapped: tf.Tensor4D, marked: tf.Tensor1D, block: number): tf.Tensor2D {
  const [B, H, T] = dcapped.shape;
  const blocks = Math.ceil(T / block);
  const rows = tf.sum(tf.mul(dcapped, tf.reshape(tf.cast(marked, "float32"), [B, 1, 1, T])), -1);
  const filled = tf.pad(tf.reshape<tf.Rank.R2>(rows, [B * H, T]), [
    [0, 0],
    [0, blocks * block - T],
  ]);
  const sums = tf.sum(tf.reshape(filled, [B, H, blocks, block]), -1);
  return tf.reshape(tf.transpose(sums, [0, 2, 1]), [B * blocks, H]);
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

/** What the derivative reads beside the inputs. */
function backShapes([B = 0, , T = 0, D = 0]: number[], H: number) {
  return { y: [B * T, H * D], dy: [B * T, H * D], lse: [B, H, T], delta: [B * T, H] };
}

/** The same cases, with what the derivative reads beside the inputs. */
export const backCases = cases.map(({ shapes, attrs, whole }) => ({
  shapes: { ...shapes, ...backShapes(shapes.qkv, attrs.heads) },
  attrs,
  whole,
}));

/** With marks: few sizes, each for a pipeline that differs; `marks` 1 sets none, 2 about half. */
const markedSizes: (MarkedHeads & { B: number; T: number; D: number; documents: number; marks: number })[] = [
  { B: 2, T: 37, heads: 4, keyValueHeads: 2, D: 6, documents: 2, marks: 2, hard: 0 },
  { B: 3, T: 1, heads: 5, keyValueHeads: 1, D: 32, documents: 1, marks: 2, hard: 1 },
  { B: 1, T: 97, heads: 5, keyValueHeads: 1, D: 32, documents: 40, marks: 2, hard: 1 },
  { B: 2, T: 37, heads: 5, keyValueHeads: 1, D: 32, documents: 2, marks: 2, hard: 0 },
  { B: 1, T: 97, heads: 5, keyValueHeads: 1, D: 32, documents: 1, marks: 1, hard: 0 },
  { B: 2, T: 65, heads: 4, keyValueHeads: 2, D: 64, documents: 3, marks: 2, hard: 1, window: 33 },
  { B: 1, T: 65, heads: 2, keyValueHeads: 1, D: 128, documents: 1, marks: 2, hard: 0 },
  {
    B: 2,
    T: 70,
    heads: 2,
    keyValueHeads: 2,
    D: 16,
    documents: 2,
    marks: 2,
    hard: 0,
    window: 5,
    softcap: 1.5,
    scale: 0.3,
  },
];

export const markedCases = markedSizes.map(({ B, T, D, documents, marks, ...attrs }) => ({
  shapes: {
    qkv: [B, attrs.heads + 2 * attrs.keyValueHeads, T, D],
    segments: [B * T],
    marked: [B * T],
    bias: [attrs.heads],
  },
  attrs,
  whole: { segments: [documents], marked: [marks] },
}));

export const markedBackCases = markedCases.map(({ shapes, attrs, whole }) => ({
  shapes: { ...shapes, ...backShapes(shapes.qkv, attrs.heads) },
  attrs,
  whole,
}));

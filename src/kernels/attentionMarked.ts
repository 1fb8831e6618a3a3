/**
 * @file Attention that knows which tokens carry logic (LoAR): attention.ts with a mark m_j of 0 or 1 at every key.
 *
 *   soft   s_ij += λ_h · m_j, after scale and cap      dλ_h = Σ_i Σ_j p_ij (dp_ij − δ_i) m_j
 *   hard   key j with m_j = 0 is hidden from every i ≠ j
 *
 * At λ = 0 soft marks change nothing. dλ is summed by piece of work, and then over the pieces, in an order that depends
 * on neither threads nor luck. Shapes: marked [B·T] int32, bias and its gradient [H].
 */

import {
  attend,
  attendBack,
  type Heads,
  type MarkedHeads,
  type MarkedInputs,
  type Marks,
  markedBackCases,
  markedCases,
  markSums,
  marksOf,
  numbers,
  rowSums,
} from "./attentionReference";
import { markedFlashAttention } from "./flashAttention";
import { defineKernel } from "./kernel";
import { sumOfRows } from "./rmsNorm";
import { dim } from "./shape";
import { tf } from "./tf";
import { scoresScratch } from "./wasmBackend";

const backward = defineKernel({
  name: "MarkedAttentionBack",
  inputs: ["qkv", "segments", "marked", "bias", "dy"],
  reference: ({ dy, ...inputs }: MarkedInputs & { dy: tf.Tensor2D }, heads: MarkedHeads): tf.Tensor[] => {
    const [y, lse] = attend(inputs, heads);
    const { dqkv, dcapped } = attendBack(inputs, { dy, lse, delta: rowSums(y, dy, heads.heads) }, heads);
    const sums = markSums(dcapped, inputs.marked, dim(dqkv, 2));
    return [dqkv, heads.hard === 0 ? sums : tf.zerosLike(sums)];
  },
  wasm: ({ qkv }, heads) => ({
    fn: "markedAttentionBack",
    outputShape: qkv.shape,
    more: [[dim(qkv, 0), heads.heads]],
    work: dim(qkv, 0) * heads.keyValueHeads,
    args: [...numbers(qkv, heads), heads.hard],
    scratch: scoresScratch(dim(qkv, 2), 2) + (heads.softcap === undefined ? 0 : 4 * dim(qkv, 2)),
    cost: 6 * qkv.size * dim(qkv, 2),
  }),
  cases: markedBackCases.map(({ shapes: { qkv, segments, marked, bias, dy }, attrs, whole }) => ({
    shapes: { qkv, segments, marked, bias, dy },
    attrs,
    whole,
  })),
});

const forward = defineKernel({
  name: "MarkedAttention",
  inputs: ["qkv", "segments", "marked", "bias"],
  reference: (inputs: MarkedInputs, heads: MarkedHeads): tf.Tensor => attend(inputs, heads)[0],
  wasm: ({ qkv }, heads) => ({
    fn: "markedAttention",
    outputShape: [dim(qkv, 0) * dim(qkv, 2), heads.heads * dim(qkv, 3)],
    work: dim(qkv, 0) * heads.heads,
    args: [...numbers(qkv, heads), heads.hard],
    scratch: scoresScratch(dim(qkv, 2), 1),
    cost: 2 * qkv.size * dim(qkv, 2),
  }),
  gradient: (dy, inputs, heads) => {
    // Not in a thunk: two of them need it.
    const [dqkv, sums] = backward.all({ ...inputs, dy: dy as tf.Tensor2D }, heads) as [tf.Tensor, tf.Tensor2D];
    return { qkv: () => dqkv, ...(heads.hard === 0 ? { bias: () => sumOfRows(sums) } : {}) };
  },
  cases: markedCases,
});

export const kernels = [forward, backward];

/** attention.ts' `attention` with marks that are hard, or have a λ. */
export function markedAttention(qkv: tf.Tensor4D, segments: tf.Tensor1D, heads: Heads, marks: Marks): tf.Tensor2D {
  if (tf.getBackend() === "webgpu") return markedFlashAttention(qkv, segments, heads, marks);
  return forward({ qkv, segments, ...marksOf(marks) }, { ...heads, hard: marks.isHard ? 1 : 0 }) as tf.Tensor2D;
}

/**
 * @file Causal attention within documents, with grouped queries (Ainslie et al. 2023).
 *
 *   s_ij = q_i · k_j / √D   for j ≤ i with segment_j = segment_i, else −∞
 *   p = softmax_j(s)        y_i = Σ_j p_ij v_j
 *
 * Gemma 2 bends the scores to c · tanh(s / c), so that ds has the factor 1 − (s / c)² of the bent ones; where there is a
 * window W, also i − j < W (Beltagy et al. 2020).
 *
 *   lse_i = log Σ_j exp s_ij            δ_i = dy_i · y_i
 *   p_ij = exp(s_ij − lse_i)            ds_ij = p_ij (dy_i · v_j − δ_i)
 *   dq_i = Σ_j ds_ij k_j / √D           dk_j = Σ_i ds_ij q_i / √D          dv_j = Σ_i p_ij dy_i
 *
 * On a graphics card, flashAttention.ts: it keeps lse. On the CPU, the two kernels here: with a block of rows at hand,
 * their softmax costs less than keeping statistics. Neither keeps a [T, T] matrix.
 * Shapes: qkv, dqkv [B, H + 2K, T, D]; segments [B·T] int32; y, dy [B·T, H·D]; lse [B, H, T]; δ [B·T, H].
 */

import { markedAttention, kernels as markedKernels } from "./attentionMarked";
import {
  attend,
  attendBack,
  backCases,
  cases,
  type Heads,
  type Inputs,
  type Marks,
  numbers,
  rowSums,
} from "./attentionReference";
import { flashAttention, kernels as flashKernels } from "./flashAttention";
import { defineKernel } from "./kernel";
import { dim } from "./shape";
import { tf } from "./tf";
import { scoresScratch } from "./wasmBackend";

const backward = defineKernel({
  name: "AttentionBackWhole",
  inputs: ["qkv", "segments", "dy"],
  reference: ({ qkv, segments, dy }: Inputs & { dy: tf.Tensor2D }, heads: Heads): tf.Tensor => {
    const [y, lse] = attend({ qkv, segments }, heads);
    return attendBack({ qkv, segments }, { dy, lse, delta: rowSums(y, dy, heads.heads) }, heads).dqkv;
  },
  wasm: ({ qkv }, heads) => ({
    fn: "attentionBack",
    outputShape: qkv.shape,
    work: dim(qkv, 0) * heads.keyValueHeads,
    args: numbers(qkv, heads),
    scratch: scoresScratch(dim(qkv, 2), 2) + (heads.softcap === undefined ? 0 : 4 * dim(qkv, 2)),
    cost: 6 * qkv.size * dim(qkv, 2),
  }),
  cases: backCases.map(({ shapes: { qkv, segments, dy }, attrs, whole }) => ({
    shapes: { qkv, segments, dy },
    attrs,
    whole,
  })),
});

const forward = defineKernel({
  name: "Attention",
  inputs: ["qkv", "segments"],
  reference: (inputs: Inputs, heads: Heads): tf.Tensor => attend(inputs, heads)[0],
  wasm: ({ qkv }, heads) => ({
    fn: "attention",
    outputShape: [dim(qkv, 0) * dim(qkv, 2), heads.heads * dim(qkv, 3)],
    work: dim(qkv, 0) * heads.heads,
    args: numbers(qkv, heads),
    scratch: scoresScratch(dim(qkv, 2), 1),
    cost: 2 * qkv.size * dim(qkv, 2),
  }),
  gradient: (dy, { qkv, segments }, heads) => ({
    qkv: () => backward({ qkv, segments, dy: dy as tf.Tensor2D }, heads),
  }),
  cases,
});

export const kernels = [forward, backward, ...markedKernels, ...flashKernels];

export type { Marks } from "./attentionReference";

/**
 * qkv [B, H + 2K, T, D], segments [B·T] → [B·T, H·D]. Marks, where given, [B·T]: soft ones raise the scores of the keys
 * that are marked, hard ones hide the others (attentionMarked.ts).
 */
export function attention(qkv: tf.Tensor4D, segments: tf.Tensor1D, heads: Heads, marks?: Marks): tf.Tensor2D {
  if (marks && (marks.isHard || marks.bias)) return markedAttention(qkv, segments, heads, marks);
  if (tf.getBackend() === "webgpu") return flashAttention(qkv, segments, heads);
  return forward({ qkv, segments }, heads) as tf.Tensor2D;
}

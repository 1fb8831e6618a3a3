/**
 * @file Flash attention's kernels on graphics cards (flashSource.ts is what they run), with marks of the keys that carry
 * logic (attentionMarked.ts) and without. Neither makes a [T, T] matrix, here or on the tape.
 */

import {
  attend,
  attendBack,
  backCases,
  cases,
  type Heads,
  type Inputs,
  type MarkedHeads,
  type MarkedInputs,
  type Marks,
  markedBackCases,
  markedCases,
  markSums,
  marksOf,
  rowSums,
} from "./attentionReference";
import { backwardSource, type Constants, constantsOf, forwardSource, marksConstant } from "./flashSource";
import { newTiles, tile } from "./flashTiles";
import { defineKernel, type Program } from "./kernel";
import { sumOfRows } from "./rmsNorm";
import { dim, perRow } from "./shape";
import { tf } from "./tf";

type Merged = { y: tf.Tensor2D; dy: tf.Tensor2D };
type Sums = { dy: tf.Tensor2D; lse: tf.Tensor3D; delta: tf.Tensor2D };

const tilesOf = (qkv: tf.Tensor) => Math.ceil(dim(qkv, 2) / tile);

function forwardProgram(qkv: tf.Tensor, heads: Heads, marks: { marks?: number } = {}): Program {
  return {
    outputShape: [dim(qkv, 0) * dim(qkv, 2), heads.heads * dim(qkv, 3)],
    more: { lse: { shape: [dim(qkv, 0), heads.heads, dim(qkv, 2)] } },
    workgroups: [tilesOf(qkv), heads.heads, dim(qkv, 0)],
    workgroupSize: newTiles(dim(qkv, 3)).workgroupSize,
    constants: { ...constantsOf(qkv, heads), ...marks },
    wgsl: (constants) => forwardSource(constants as Constants),
  };
}

function backwardProgram(qkv: tf.Tensor, heads: Heads, marks: { marks?: number } = {}): Program {
  return {
    outputShape: qkv.shape,
    workgroups: [tilesOf(qkv), heads.keyValueHeads + heads.heads, dim(qkv, 0)],
    workgroupSize: newTiles(dim(qkv, 3)).workgroupSize,
    constants: { ...constantsOf(qkv, heads), ...marks },
    wgsl: (constants) => backwardSource(constants as Constants),
  };
}

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
  reference: ({ qkv, segments, ...rest }: Inputs & Sums, heads: Heads): tf.Tensor =>
    attendBack({ qkv, segments }, rest, heads).dqkv,
  gpu: ({ qkv }, heads) => backwardProgram(qkv, heads),
  cases: backCases.map(({ shapes: { y: _, ...shapes }, attrs, whole }) => ({ shapes, attrs, whole })),
});

const forward = defineKernel({
  name: "FlashAttention",
  inputs: ["qkv", "segments"],
  outputs: 2,
  sideOutputs: 1,
  reference: (inputs: Inputs, heads: Heads): tf.Tensor[] => attend(inputs, heads),
  gpu: ({ qkv }, heads) => forwardProgram(qkv, heads),
  gradient: (dy, { qkv, segments }, heads, { ys: [y, lse] }) => ({
    qkv: () => {
      const delta = rowDelta({ y: y as tf.Tensor2D, dy: dy as tf.Tensor2D }, heads) as tf.Tensor2D;
      return backward({ qkv, segments, dy: dy as tf.Tensor2D, lse: lse as tf.Tensor3D, delta }, heads);
    },
  }),
  savesOutput: true,
  cases,
});

type MarkedSums = MarkedInputs & Sums;

/**
 * From soft marks also Σ p (dp − δ) m by tile of queries and by head. An adapter may bind no more than eight buffers, so
 * λ comes as one more row of δ, and `bias` is not among the inputs.
 */
const markedBackward = defineKernel({
  name: "MarkedFlashAttentionBack",
  inputs: ["qkv", "segments", "dy", "lse", "delta", "marked"],
  reference: ({ dy, lse, delta, ...inputs }: Omit<MarkedSums, "bias">, heads: MarkedHeads): tf.Tensor[] => {
    const [rows, H] = [dim(dy, 0), heads.heads];
    const bias = tf.reshape<tf.Rank.R1>(tf.slice(delta, [dim(delta, 0) - 1, 0], [1, H]), [H]); // not read of hard marks
    const sums = { dy, lse, delta: tf.slice(delta, [0, 0], [rows, H]) };
    const { dqkv, dcapped } = attendBack({ ...inputs, bias }, sums, heads);
    return heads.hard === 0 ? [dqkv, markSums(dcapped, inputs.marked, tile)] : [dqkv];
  },
  gpu: ({ qkv }, heads) => ({
    ...backwardProgram(qkv, heads, marksConstant(heads)),
    more: heads.hard === 0 ? { dbias: { shape: [dim(qkv, 0) * tilesOf(qkv), heads.heads] } } : {},
  }),
  cases: markedBackCases.map(({ shapes: { y: _y, bias: _bias, delta, ...shapes }, attrs, whole }) => ({
    shapes: { ...shapes, delta: [(delta[0] ?? 0) + 1 - attrs.hard, attrs.heads] },
    attrs,
    whole,
  })),
});

const markedForward = defineKernel({
  name: "MarkedFlashAttention",
  inputs: ["qkv", "segments", "marked", "bias"],
  outputs: 2,
  sideOutputs: 1,
  reference: (inputs: MarkedInputs, heads: MarkedHeads): tf.Tensor[] => attend(inputs, heads),
  gpu: ({ qkv }, heads) => forwardProgram(qkv, heads, marksConstant(heads)),
  gradient: (dy, { qkv, segments, marked, bias }, heads, { ys: [y, lse] }) => {
    // Not in a thunk: two of them need it.
    const rows = rowDelta({ y: y as tf.Tensor2D, dy: dy as tf.Tensor2D }, heads) as tf.Tensor2D;
    const withBias = () => tf.concat<tf.Tensor2D>([rows, tf.reshape<tf.Rank.R2>(bias, [1, heads.heads])]);
    const given = { dy: dy as tf.Tensor2D, lse: lse as tf.Tensor3D, delta: heads.hard === 0 ? withBias() : rows };
    const [dqkv, sums] = markedBackward.all({ qkv, segments, marked, ...given }, heads) as [tf.Tensor, tf.Tensor2D];
    return { qkv: () => dqkv, ...(heads.hard === 0 ? { bias: () => sumOfRows(sums) } : {}) };
  },
  savesOutput: true,
  cases: markedCases,
});

export const kernels = [forward, rowDelta, backward, markedForward, markedBackward];

/** qkv [B, H + 2K, T, D], segments [B·T] → [B·T, H·D]. */
export function flashAttention(qkv: tf.Tensor4D, segments: tf.Tensor1D, heads: Heads): tf.Tensor2D {
  return forward({ qkv, segments }, heads) as tf.Tensor2D;
}

/** That with marks which are hard, or have a λ. */
export function markedFlashAttention(qkv: tf.Tensor4D, segments: tf.Tensor1D, heads: Heads, marks: Marks): tf.Tensor2D {
  return markedForward({ qkv, segments, ...marksOf(marks) }, { ...heads, hard: marks.isHard ? 1 : 0 }) as tf.Tensor2D;
}

/**
 * @file The lengths of the rows of an adapted weight, by which DoRA divides (Liu et al. 2024): V = W + s · B · A, which is
 * never formed. Of row o, which lies in part m (loraParts.ts):
 *
 *   ‖V_o‖² = ‖W_o‖² + 2 s_m · B_o · (A_m W_oᵀ) + s_m² · B_o (A_m A_mᵀ) B_oᵀ
 *
 * ‖W_o‖² is known from the load on, and A · Wᵀ is one product of W with as many rows as A has. PEFT takes the lengths off
 * the tape (peft/tuners/lora/dora.py), and so do we. Shapes: w [O, I], a [U, I], b [O, R], p = a · wᵀ [U, O],
 * gram = a · aᵀ [U, U], squares, norms [O].
 */

import { weightFormats } from "../core/packing";
import { rowLanes } from "./adapter";
import { defineKernel } from "./kernel";
import { linear, plain } from "./linear";
import {
  type Cuts,
  cutsOf,
  type Pairs,
  type PartScales,
  type PartsOf,
  partSource,
  scaleOfColumns,
  scalesOf,
  sizesOf,
  spread,
} from "./loraParts";
import { acrossLanes, clampedGroup, dim, element, perElement, perRow, plus } from "./shape";
import { offTape, tf } from "./tf";
import { dequantized, type Packing, packingOf, type Weight, weightOf, weightReader } from "./weight";

type T2 = tf.Tensor2D;

const squaresOfRows = defineKernel({
  name: "RowSquares",
  inputs: ["w"],
  reference: ({ w }: { w: T2 }, packing: Packing) => tf.sum(tf.square(dequantized(w, packing)), 1),
  gpu: ({ w }, { format, width }) => ({
    ...perRow([dim(w, 0)], dim(w, 0)),
    constants: { format },
    uniforms: { width: { type: "uint32", value: width } },
    wgsl: ({ format }) => `
      ${weightReader(Number(format))}
      ${acrossLanes("sumOfLanes", plus)}
      fn main() {
        let row = ${clampedGroup("uniforms.outShape[0]")};
        var sum = 0.0;
        for (var i = localId.x; i < uniforms.width; i += ${rowLanes()}u) {
          let value = weightAt(row, i);
          sum += value * value;
        }
        let total = sumOfLanes(localId.x, sum);
        if (localId.x == 0u) { result[row] = total; }
      }`,
  }),
  wasm: ({ w }, { format, width }) => ({
    fn: "rowSquares",
    outputShape: [dim(w, 0)],
    work: Math.ceil(dim(w, 0) / 16),
    args: [dim(w, 0), width, dim(w, 1), format],
    scratch: 128,
    cost: 2 * dim(w, 0) * width,
  }),
  cases: weightFormats.flatMap((_, format) =>
    [
      [5, 83],
      [70, 300],
    ].map((w) => ({ shapes: { w }, attrs: { format, width: w[1] ?? 0 }, packed: { w: format } })),
  ),
});

type Inputs = { squares: tf.Tensor1D; b: T2; p: T2; gram: T2; w: T2; a: T2 };
type Attrs = Packing & Cuts & PartScales;

/** What follows from the weight and the pair: two products. */
const products = (w: Weight, a: T2) => ({ p: linear(a, w), gram: linear(a, plain(a)) });

const norms = defineKernel({
  name: "AdaptedNorms",
  inputs: ["squares", "b", "p", "gram", "w", "a"],
  derive: ({ w, a }, { format, width }) => {
    const weight = weightOf(w, { format, width });
    return { squares: rowSquares(weight), ...products(weight, a) };
  },
  reference: ({ b, w, a }: Inputs, { cut1, cut2, scale0, scale1, scale2, ...packing }: Attrs) => {
    const parts = sizesOf({ cut1, cut2 }, dim(b, 0), dim(a, 0) / dim(b, 1));
    const scaled = tf.mul<T2>(spread(b, parts), scaleOfColumns({ scale0, scale1, scale2 }, dim(a, 0), parts.length));
    return tf.sqrt(tf.sum(tf.square(tf.add(dequantized(w, packing), tf.matMul(scaled, a))), 1));
  },
  gpu: ({ b }, { cut1, cut2, scale0, scale1, scale2 }) => ({
    ...perElement([dim(b, 0)]),
    uniforms: {
      cut1: { type: "uint32", value: cut1 },
      cut2: { type: "uint32", value: cut2 },
      scale0: { type: "float32", value: scale0 },
      scale1: { type: "float32", value: scale1 },
      scale2: { type: "float32", value: scale2 },
    },
    wgsl: () => `
      ${partSource("u32(uniforms.bShape[0])")}
      fn main() {
        let o = ${element};
        let O = u32(uniforms.bShape[0]);
        let R = u32(uniforms.bShape[1]);
        let U = u32(uniforms.gramShape[1]);
        if (o >= O) { return; }
        let part = partOf(o);
        let scale = select(select(uniforms.scale0, uniforms.scale1, part == 1u), uniforms.scale2, part == 2u);
        let first = part * R;
        var sum = squares[o];
        for (var k = 0u; k < R; k++) {
          var inner = 0.0;
          for (var j = 0u; j < R; j++) { inner += gram[(first + k) * U + first + j] * b[o * R + j]; }
          sum += scale * b[o * R + k] * (2.0 * p[(first + k) * O + o] + scale * inner);
        }
        result[o] = sqrt(max(sum, 0.0));
      }`,
  }),
  wasm: ({ b, a }, { cut1, cut2, scale0, scale1, scale2 }) => {
    const [O, R] = [dim(b, 0), dim(b, 1)];
    return {
      fn: "adaptedNorms",
      outputShape: [O],
      work: Math.ceil(O / 64),
      args: [O, R, dim(a, 0) / R, cut1, cut2, { float: scale0 }, { float: scale1 }, { float: scale2 }],
      cost: 2 * O * R * R,
    };
  },
  cases: [
    { O: 20, I: 33, R: 3, rows: [20], scale: 0.5 },
    { O: 20, I: 100, R: 5, rows: [7, 13], scale: [0.5, -2] },
    { O: 290, I: 64, R: 8, rows: [100, 90, 100], scale: [0.5, 2, 0.1] },
  ].flatMap(({ O, I, R, rows, scale }) =>
    weightFormats.map((_, format) => {
      const U = R * rows.length;
      return {
        shapes: { squares: [O], b: [O, R], p: [U, O], gram: [U, U], w: [O, I], a: [U, I] },
        attrs: { format, width: I, ...cutsOf(rows), ...scalesOf(scale, rows) },
        packed: { w: format },
      };
    }),
  ),
});

export const kernels = [norms, squaresOfRows];

/** The sum of the squares of each row of a weight [O, I] of any packing: [O]. No gradient comes back. */
export function rowSquares(w: Weight): tf.Tensor1D {
  return squaresOfRows({ w: w.values }, packingOf(w)) as tf.Tensor1D;
}

/**
 * ‖W_o + s_m · B_o · A_m‖ of every row o of the weight w [O, I]: [O]. `squares` are w's `rowSquares`; `rows` and `scale`
 * are as in `loraLinear`. Off the tape. Within 1e-5 of V's own lengths, unless B · A nearly undoes W.
 */
export function adaptedNorms(w: Weight, squares: tf.Tensor1D, { a, b }: Pairs, { scale, rows }: PartsOf): tf.Tensor1D {
  return offTape(() =>
    tf.tidy(() => {
      const attrs = { ...packingOf(w), ...cutsOf(rows), ...scalesOf(scale, rows) };
      return norms({ squares, b, ...products(w, a), w: w.values, a }, attrs) as tf.Tensor1D;
    }),
  );
}

/**
 * @file Linear layers over rows, with weights as PyTorch keeps them: [out, in], plain or packed (weight.ts).
 *
 *   y = scale · x · wᵀ           dx = scale · dy · w           dw = scale · dyᵀ · x
 *
 * Shapes: x [N, I], w [O, I], y [N, O].
 */

import { weightFormats } from "../core/packing";
import { defineKernel } from "./kernel";
import { type Operand, productProgram, type Sum } from "./product";
import { dim } from "./shape";
import { tf } from "./tf";
import { packedScratch, productScratch, type WasmCall } from "./wasmBackend";
import { dequantized, type Packing, packingOf, type Weight, weightReader } from "./weight";

type Scale = { scale: number };

/** WGSL: the size of an input's axis. */
export const size = (name: string, axis: 0 | 1) => `u32(uniforms.${name}Shape[${axis}])`;

/** The rows of an input as a product's rows, k along them. */
export const rowsOf = (name: string): Operand => ({ name, byOuter: size(name, 1), byK: "1u" });
/** The columns of an input as a product's rows or columns, k down them. */
export const columnsOf = (name: string): Operand => ({ name, byOuter: "1u", byK: size(name, 1) });

/** x · wᵀ, both row by row. */
const timesTransposed = (x: string, w: string): Sum => ({ a: rowsOf(x), b: rowsOf(w), depth: size(x, 1) });
/** dy · w. */
const timesWeight = (dy: string, w: string): Sum => ({ a: rowsOf(dy), b: columnsOf(w), depth: size(dy, 1) });
/** dyᵀ · x. */
export const acrossRows = (dy: string, x: string): Sum => ({ a: columnsOf(dy), b: columnsOf(x), depth: size(dy, 0) });

const packedRows: Operand = { read: (row, k) => `weightAt(${row}, ${k})`, isAlongK: true, isPacked: true };
const packedColumns: Operand = { read: (col, k) => `weightAt(${k}, ${col})`, isAlongK: false, isPacked: true };

/** x · wᵀ and dy · w for a weight in any format, under the input's name `w`. */
export const timesPacked = (x: string, format: number): Sum =>
  format === 0 ? timesTransposed(x, "w") : { a: rowsOf(x), b: packedRows, depth: size(x, 1) };
export const timesPackedBack = (dy: string, format: number): Sum =>
  format === 0 ? timesWeight(dy, "w") : { a: rowsOf(dy), b: packedColumns, depth: size(dy, 1) };
/** What a product over such a weight needs beside its sums. */
export const packedSource = (format: number) => ({
  constants: { format },
  functions: ({ format }: Record<string, number>) => (format ? weightReader(format) : ""),
});

/** One product among those that a call of the compiled `multiply` makes; places and sizes in numbers. */
export type WasmPart = { rows: number; cols: number; depth: number; c: number; a: number; b: number };
type Strides = { cRow: number; aRow: number; aStep: number; bRow: number; bStep: number };

/** Strips of a product, as assembly/linear.ts cuts it. */
export const strips = (rows: number, cols: number) => Math.ceil(rows / 384) * Math.ceil(cols / 8);

export const multiply = (outputShape: number[], parts: WasmPart[], by: Strides, scale: number): WasmCall => ({
  fn: "multiply",
  outputShape,
  work: parts.reduce((sum, { rows, cols }) => sum + strips(rows, cols), 0),
  args: [
    { float: scale },
    ...[by.cRow, by.aRow, by.aStep, by.bRow, by.bStep],
    ...parts.flatMap(({ rows, cols, depth, c, a, b }) => [rows, cols, depth, c, a, b]),
  ],
  scratch: productScratch,
  cost: parts.reduce((sum, { rows, cols, depth }) => sum + 2 * rows * cols * depth, 0),
});

const whole = (rows: number, cols: number, depth: number): WasmPart[] => [{ rows, cols, depth, c: 0, a: 0, b: 0 }];

export const sizes = [
  { N: 3, I: 5, O: 4 },
  { N: 37, I: 33, O: 20 },
  { N: 130, I: 64, O: 96 },
  { N: 1, I: 200, O: 70 },
  { N: 2, I: 43, O: 21 },
  { N: 300, I: 40, O: 290 },
  { N: 700, I: 30, O: 640 },
];
/** Every size in f32, and some that no block divides in every other format. */
export const formatSizes = weightFormats.flatMap((_, format) =>
  (format === 0 ? sizes : sizes.slice(1, 5)).map((each) => ({ ...each, format })),
);

const back = defineKernel({
  name: "LinearBack",
  inputs: ["dy", "w"],
  reference: ({ dy, w }: { dy: tf.Tensor2D; w: tf.Tensor2D }, { scale, ...packing }: Scale & Packing) =>
    tf.mul(tf.matMul(dy, dequantized(w, packing)), scale),
  gpu: ({ dy }, { scale, format, width }) =>
    productProgram({
      rows: dim(dy, 0),
      cols: width,
      depth: dim(dy, 1),
      sums: [timesPackedBack("dy", format)],
      scale,
      ...packedSource(format),
    }),
  wasm: ({ dy, w }, { scale, format, width }) => {
    const [N, O] = [dim(dy, 0), dim(dy, 1)];
    if (format === 0) {
      return multiply([N, width], whole(N, width, O), { cRow: width, aRow: O, aStep: 1, bRow: width, bStep: 1 }, scale);
    }
    return {
      fn: "packedBack",
      outputShape: [N, width],
      work: strips(N, width),
      args: [{ float: scale }, N, O, width, format, dim(w, 1)],
      scratch: packedScratch,
      cost: 2 * N * O * width,
    };
  },
  cases: formatSizes.map(({ N, I, O, format }) => ({
    shapes: { dy: [N, O], w: [O, I] },
    attrs: { scale: 0.5, format, width: I },
    packed: { w: format },
  })),
});

const weight = defineKernel({
  name: "LinearWeight",
  inputs: ["dy", "x"],
  reference: ({ dy, x }: { dy: tf.Tensor2D; x: tf.Tensor2D }, { scale }: Scale) =>
    tf.mul(tf.matMul(dy, x, true), scale),
  gpu: ({ dy, x }, { scale }) =>
    productProgram({ rows: dim(dy, 1), cols: dim(x, 1), depth: dim(x, 0), sums: [acrossRows("dy", "x")], scale }),
  wasm: ({ dy, x }, { scale }) => {
    const [N, O, I] = [dim(dy, 0), dim(dy, 1), dim(x, 1)];
    return multiply([O, I], whole(O, I, N), { cRow: I, aRow: 1, aStep: O, bRow: I, bStep: 1 }, scale);
  },
  cases: sizes.map(({ N, I, O }) => ({ shapes: { dy: [N, O], x: [N, I] }, attrs: { scale: 0.5 } })),
});

const forward = defineKernel({
  name: "Linear",
  inputs: ["x", "w"],
  reference: ({ x, w }: { x: tf.Tensor2D; w: tf.Tensor2D }, { scale, ...packing }: Scale & Packing) =>
    tf.mul(tf.matMul(x, dequantized(w, packing), false, true), scale),
  gpu: ({ x, w }, { scale, format, width }) =>
    productProgram({
      rows: dim(x, 0),
      cols: dim(w, 0),
      depth: width,
      sums: [timesPacked("x", format)],
      scale,
      ...packedSource(format),
    }),
  wasm: ({ x, w }, { scale, format, width }) => {
    const [N, O] = [dim(x, 0), dim(w, 0)];
    if (format === 0) {
      return multiply([N, O], whole(N, O, width), { cRow: O, aRow: width, aStep: 1, bRow: 1, bStep: width }, scale);
    }
    return {
      fn: "packedLinear",
      outputShape: [N, O],
      work: strips(N, O),
      args: [{ float: scale }, N, O, width, format, dim(w, 1)],
      scratch: packedScratch,
      cost: 2 * N * O * width,
    };
  },
  gradient: (dy, { x, w }, attrs) => ({
    x: () => back({ dy: dy as tf.Tensor2D, w }, attrs),
    ...(attrs.format === 0 ? { w: () => weight({ dy: dy as tf.Tensor2D, x }, { scale: attrs.scale }) } : {}),
  }),
  cases: formatSizes.map(({ N, I, O, format }) => ({
    shapes: { x: [N, I], w: [O, I] },
    attrs: { scale: 0.5, format, width: I },
    packed: { w: format },
  })),
});

export const kernels = [forward, back, weight];

/** The matrix of plain numbers, as a weight. */
export const plain = (values: tf.Tensor2D): Weight => ({ format: "f32", width: dim(values, 1), values });

/** scale · dy · w: the gradient of x; dy [N, O], w [O, I] → [N, I]. */
export function linearBack(dy: tf.Tensor2D, w: Weight, scale = 1): tf.Tensor2D {
  return back({ dy, w: w.values }, { scale, ...packingOf(w) }) as tf.Tensor2D;
}

/** scale · dyᵀ · x: the gradient of w, [O, I]. */
export function linearWeight(dy: tf.Tensor2D, x: tf.Tensor2D, scale = 1): tf.Tensor2D {
  return weight({ dy, x }, { scale }) as tf.Tensor2D;
}

/** scale · x · wᵀ; x [N, I], w [O, I] → [N, O]. */
export function linear(x: tf.Tensor2D, w: Weight, scale = 1): tf.Tensor2D {
  return forward({ x, w: w.values }, { scale, ...packingOf(w) }) as tf.Tensor2D;
}

/**
 * @file Linear layers over rows, with weights as PyTorch keeps them: [out, in].
 *
 *   y = scale · x · wᵀ           (and, with a low-rank pair, y = x · wᵀ + u · bᵀ with u = scale · x · aᵀ)
 *
 *   dx = scale · dy · w
 *   dw = scale · dyᵀ · x         (with the pair: du = scale · dy · b, dx = dy · w + du · a, da = duᵀ · x, db = dyᵀ · u)
 *
 * Shapes: x [N, I], w [O, I], y [N, O], u [N, R], a [R, I], b [O, R].
 */

import { defineKernel } from "./kernel";
import { productProgram, type Sum } from "./product";
import { dim } from "./shape";
import { offTape, tf } from "./tf";
import { productScratch, type WasmCall } from "./wasmBackend";

type Scale = { scale: number };

const size = (name: string, axis: 0 | 1) => `u32(uniforms.${name}Shape[${axis}])`;

/** x · wᵀ, both row by row. */
const timesTransposed = (x: string, w: string): Sum => ({
  a: x,
  aRow: size(x, 1),
  aK: "1u",
  b: w,
  bK: "1u",
  bCol: size(w, 1),
  depth: size(x, 1),
});

/** dy · w. */
const timesWeight = (dy: string, w: string): Sum => ({
  a: dy,
  aRow: size(dy, 1),
  aK: "1u",
  b: w,
  bK: size(w, 1),
  bCol: "1u",
  depth: size(dy, 1),
});

/** dyᵀ · x. */
const acrossRows = (dy: string, x: string): Sum => ({
  a: dy,
  aRow: "1u",
  aK: size(dy, 1),
  b: x,
  bK: size(x, 1),
  bCol: "1u",
  depth: size(dy, 0),
});

/** Strips of a product, as assembly/linear.ts cuts it. */
const strips = (rows: number, cols: number) => Math.ceil(rows / 384) * Math.ceil(cols / 8);

type Strides = { aRow: number; aStep: number; bRow: number; bStep: number };

const multiply = (rows: number, cols: number, depth: number, by: Strides, scale: number): WasmCall => ({
  fn: "multiply",
  outputShape: [rows, cols],
  work: strips(rows, cols),
  args: [rows, cols, depth, by.aRow, by.aStep, by.bRow, by.bStep, { float: scale }],
  scratch: productScratch,
  cost: 2 * rows * cols * depth,
});

const sizes = [
  { N: 3, I: 5, O: 4 },
  { N: 37, I: 33, O: 20 },
  { N: 130, I: 64, O: 96 },
  { N: 1, I: 200, O: 70 },
  { N: 300, I: 40, O: 290 },
  { N: 700, I: 30, O: 640 },
];

const back = defineKernel({
  name: "LinearBack",
  inputs: ["dy", "w"],
  reference: ({ dy, w }: { dy: tf.Tensor2D; w: tf.Tensor2D }, { scale }: Scale) => tf.mul(tf.matMul(dy, w), scale),
  gpu: ({ dy, w }, { scale }) =>
    productProgram({ rows: dim(dy, 0), cols: dim(w, 1), sums: [timesWeight("dy", "w")], scale }),
  wasm: ({ dy, w }, { scale }) => {
    const [N, O, I] = [dim(dy, 0), dim(dy, 1), dim(w, 1)];
    return multiply(N, I, O, { aRow: O, aStep: 1, bRow: I, bStep: 1 }, scale);
  },
  cases: sizes.map(({ N, I, O }) => ({ shapes: { dy: [N, O], w: [O, I] }, attrs: { scale: 0.5 } })),
});

const weight = defineKernel({
  name: "LinearWeight",
  inputs: ["dy", "x"],
  reference: ({ dy, x }: { dy: tf.Tensor2D; x: tf.Tensor2D }, { scale }: Scale) =>
    tf.mul(tf.matMul(dy, x, true), scale),
  gpu: ({ dy, x }, { scale }) =>
    productProgram({ rows: dim(dy, 1), cols: dim(x, 1), sums: [acrossRows("dy", "x")], scale }),
  wasm: ({ dy, x }, { scale }) => {
    const [N, O, I] = [dim(dy, 0), dim(dy, 1), dim(x, 1)];
    return multiply(O, I, N, { aRow: 1, aStep: O, bRow: I, bStep: 1 }, scale);
  },
  cases: sizes.map(({ N, I, O }) => ({ shapes: { dy: [N, O], x: [N, I] }, attrs: { scale: 0.5 } })),
});

const forward = defineKernel({
  name: "Linear",
  inputs: ["x", "w"],
  reference: ({ x, w }: { x: tf.Tensor2D; w: tf.Tensor2D }, { scale }: Scale) =>
    tf.mul(tf.matMul(x, w, false, true), scale),
  gpu: ({ x, w }, { scale }) =>
    productProgram({ rows: dim(x, 0), cols: dim(w, 0), sums: [timesTransposed("x", "w")], scale }),
  wasm: ({ x, w }, { scale }) => {
    const [N, O, I] = [dim(x, 0), dim(w, 0), dim(w, 1)];
    return multiply(N, O, I, { aRow: I, aStep: 1, bRow: 1, bStep: I }, scale);
  },
  gradient: (dy, { x, w }, { scale }) => ({
    x: () => back({ dy: dy as tf.Tensor2D, w }, { scale }),
    w: () => weight({ dy: dy as tf.Tensor2D, x }, { scale }),
  }),
  cases: sizes.map(({ N, I, O }) => ({ shapes: { x: [N, I], w: [O, I] }, attrs: { scale: 0.5 } })),
});

type Pair = { a: tf.Tensor2D; b: tf.Tensor2D };

const loraBack = defineKernel({
  name: "LoraBack",
  inputs: ["dy", "w", "du", "a"],
  reference: (
    { dy, w, du, a }: { dy: tf.Tensor2D; w: tf.Tensor2D; du: tf.Tensor2D; a: tf.Tensor2D },
    _: Record<string, never>,
  ) => tf.add(tf.matMul(dy, w), tf.matMul(du, a)),
  gpu: ({ dy, w }) =>
    productProgram({ rows: dim(dy, 0), cols: dim(w, 1), sums: [timesWeight("dy", "w"), timesWeight("du", "a")] }),
  wasm: ({ dy, w, du }) => ({
    fn: "loraBack",
    outputShape: [dim(dy, 0), dim(w, 1)],
    work: strips(dim(dy, 0), dim(w, 1)),
    args: [dim(dy, 0), dim(dy, 1), dim(w, 1), dim(du, 1)],
    scratch: productScratch,
    cost: 2 * dim(dy, 0) * dim(w, 1) * (dim(dy, 1) + dim(du, 1)),
  }),
  cases: sizes.map(({ N, I, O }) => ({ shapes: { dy: [N, O], w: [O, I], du: [N, 3], a: [3, I] }, attrs: {} })),
});

const lora = defineKernel({
  name: "LoraLinear",
  inputs: ["x", "w", "u", "b", "a"],
  derive: ({ x, a }, { scale }) => ({ u: forward({ x, w: a }, { scale }) as tf.Tensor2D }),
  reference: ({ x, w, a, b }: Pair & { x: tf.Tensor2D; w: tf.Tensor2D; u: tf.Tensor2D }, { scale }: Scale) =>
    tf.add(tf.matMul(x, w, false, true), tf.mul(tf.matMul(tf.matMul(x, a, false, true), b, false, true), scale)),
  gpu: ({ x, w }) =>
    productProgram({
      rows: dim(x, 0),
      cols: dim(w, 0),
      sums: [timesTransposed("x", "w"), timesTransposed("u", "b")],
    }),
  wasm: ({ x, w, u }) => ({
    fn: "loraLinear",
    outputShape: [dim(x, 0), dim(w, 0)],
    work: strips(dim(x, 0), dim(w, 0)),
    args: [dim(x, 0), dim(w, 0), dim(w, 1), dim(u, 1)],
    scratch: productScratch,
    cost: 2 * dim(x, 0) * dim(w, 0) * (dim(w, 1) + dim(u, 1)),
  }),
  gradient: (dy, { x, w, u, b, a }, { scale }) => {
    // Not in a thunk: tfjs disposes of what a thunk makes, and two of them need it.
    const du = back({ dy: dy as tf.Tensor2D, w: b }, { scale }) as tf.Tensor2D;
    return {
      x: () => loraBack({ dy: dy as tf.Tensor2D, w, du, a }, {}),
      w: () => weight({ dy: dy as tf.Tensor2D, x }, { scale: 1 }),
      b: () => weight({ dy: dy as tf.Tensor2D, x: u }, { scale: 1 }),
      a: () => weight({ dy: du, x }, { scale: 1 }),
    };
  },
  cases: sizes.map(({ N, I, O }) => ({
    shapes: { x: [N, I], w: [O, I], u: [N, 3], b: [O, 3], a: [3, I] },
    attrs: { scale: 0.5 },
  })),
});

export const kernels = [forward, back, weight, lora, loraBack];

/** dy · w: the gradient of x, [N, I]. */
export function linearBack(dy: tf.Tensor2D, w: tf.Tensor2D): tf.Tensor2D {
  return back({ dy, w }, { scale: 1 }) as tf.Tensor2D;
}

/** dyᵀ · x: the gradient of w, [O, I]. */
export function linearWeight(dy: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor2D {
  return weight({ dy, x }, { scale: 1 }) as tf.Tensor2D;
}

/** scale · x · wᵀ; x [N, I], w [O, I] → [N, O]. */
export function linear(x: tf.Tensor2D, w: tf.Tensor2D, scale = 1): tf.Tensor2D {
  return forward({ x, w }, { scale }) as tf.Tensor2D;
}

/**
 * x · wᵀ + scale · (x · aᵀ) · bᵀ: a frozen layer and the low-rank pair beside it, a [R, I], b [O, R]. W + BA is never
 * formed, and the gradient of x is one product of both.
 */
export function loraLinear(x: tf.Tensor2D, w: tf.Tensor2D, { a, b }: Pair, scale: number): tf.Tensor2D {
  const u = offTape(() => linear(x, a, scale)); // its derivative is part of the kernel's own
  return lora({ x, w, u, b, a }, { scale }) as tf.Tensor2D;
}

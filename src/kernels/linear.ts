/**
 * @file Linear layers over rows, with weights as PyTorch keeps them: [out, in].
 *
 *   y = scale · x · wᵀ           (and, with a low-rank part, y = x · wᵀ + u · bᵀ)
 *
 *   dx = scale · dy · w
 *   dw = scale · dyᵀ · x
 *
 * Shapes: x [N, I], w [O, I], y [N, O], u [N, R], b [O, R].
 */

import { defineKernel, type Program } from "./kernel";
import { dim } from "./shape";
import { tf } from "./tf";
import { productScratch, type WasmCall } from "./wasmBackend";

type Scale = { scale: number };

const tile = 16;

/** A tiled product over shared memory: `a(row, k)` · `b(k, col)`, [rows, cols], over `depth`. */
const product = (sums: { a: string; b: string; depth: string }[], rows: string, cols: string, scale: string) => `
  var<workgroup> tileA: array<f32, ${tile * tile}>;
  var<workgroup> tileB: array<f32, ${tile * tile}>;
  fn main() {
    let rows = u32(${rows});
    let cols = u32(${cols});
    let row = workgroupId.y * ${tile}u + localId.y;
    let col = workgroupId.x * ${tile}u + localId.x;
    let here = localId.y * ${tile}u + localId.x;
    var sum = 0.0;
    ${sums
      .map(
        ({ a, b, depth }) => `
    for (var start = 0u; start < u32(${depth}); start += ${tile}u) {
      tileA[here] = 0.0;
      tileB[here] = 0.0;
      if (row < rows && start + localId.x < u32(${depth})) { let k = start + localId.x; tileA[here] = ${a}; }
      if (col < cols && start + localId.y < u32(${depth})) { let k = start + localId.y; tileB[here] = ${b}; }
      workgroupBarrier();
      for (var k = 0u; k < ${tile}u; k++) { sum += tileA[localId.y * ${tile}u + k] * tileB[k * ${tile}u + localId.x]; }
      workgroupBarrier();
    }`,
      )
      .join("")}
    if (row < rows && col < cols) { result[row * cols + col] = sum * ${scale}; }
  }`;

const grid = (outputShape: [number, number]): Pick<Program, "outputShape" | "workgroups" | "workgroupSize"> => ({
  outputShape,
  workgroups: [Math.ceil(outputShape[1] / tile), Math.ceil(outputShape[0] / tile), 1],
  workgroupSize: [tile, tile, 1],
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
];

const back = defineKernel({
  name: "LinearBack",
  inputs: ["dy", "w"],
  reference: ({ dy, w }: { dy: tf.Tensor2D; w: tf.Tensor2D }, { scale }: Scale) => tf.mul(tf.matMul(dy, w), scale),
  gpu: ({ dy, w }, { scale }) => ({
    ...grid([dim(dy, 0), dim(w, 1)]),
    uniforms: { scale: { type: "float32", value: scale } },
    wgsl: () =>
      product(
        [{ a: "dy[row * u32(uniforms.dyShape[1]) + k]", b: "w[k * cols + col]", depth: "uniforms.dyShape[1]" }],
        "uniforms.outShape[0]",
        "uniforms.wShape[1]",
        "uniforms.scale",
      ),
  }),
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
  gpu: ({ dy, x }, { scale }) => ({
    ...grid([dim(dy, 1), dim(x, 1)]),
    uniforms: { scale: { type: "float32", value: scale } },
    wgsl: () =>
      product(
        [{ a: "dy[k * rows + row]", b: "x[k * cols + col]", depth: "uniforms.dyShape[0]" }],
        "uniforms.dyShape[1]",
        "uniforms.xShape[1]",
        "uniforms.scale",
      ),
  }),
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
  gpu: ({ x, w }, { scale }) => ({
    ...grid([dim(x, 0), dim(w, 0)]),
    uniforms: { scale: { type: "float32", value: scale } },
    wgsl: () =>
      product(
        [
          {
            a: "x[row * u32(uniforms.xShape[1]) + k]",
            b: "w[col * u32(uniforms.wShape[1]) + k]",
            depth: "uniforms.xShape[1]",
          },
        ],
        "uniforms.outShape[0]",
        "uniforms.outShape[1]",
        "uniforms.scale",
      ),
  }),
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

const lora = defineKernel({
  name: "LoraLinear",
  inputs: ["x", "w", "u", "b"],
  reference: (
    { x, w, u, b }: { x: tf.Tensor2D; w: tf.Tensor2D; u: tf.Tensor2D; b: tf.Tensor2D },
    _: Record<string, never>,
  ) => tf.add(tf.matMul(x, w, false, true), tf.matMul(u, b, false, true)),
  gpu: ({ x, w }) => ({
    ...grid([dim(x, 0), dim(w, 0)]),
    wgsl: () =>
      product(
        [
          {
            a: "x[row * u32(uniforms.xShape[1]) + k]",
            b: "w[col * u32(uniforms.wShape[1]) + k]",
            depth: "uniforms.xShape[1]",
          },
          {
            a: "u[row * u32(uniforms.uShape[1]) + k]",
            b: "b[col * u32(uniforms.bShape[1]) + k]",
            depth: "uniforms.uShape[1]",
          },
        ],
        "uniforms.outShape[0]",
        "uniforms.outShape[1]",
        "1.0",
      ),
  }),
  wasm: ({ x, w, u }) => ({
    fn: "loraLinear",
    outputShape: [dim(x, 0), dim(w, 0)],
    work: strips(dim(x, 0), dim(w, 0)),
    args: [dim(x, 0), dim(w, 0), dim(w, 1), dim(u, 1)],
    scratch: productScratch,
    cost: 2 * dim(x, 0) * dim(w, 0) * (dim(w, 1) + dim(u, 1)),
  }),
  gradient: (dy, { x, w, u, b }) => ({
    x: () => back({ dy: dy as tf.Tensor2D, w }, { scale: 1 }),
    w: () => weight({ dy: dy as tf.Tensor2D, x }, { scale: 1 }),
    u: () => back({ dy: dy as tf.Tensor2D, w: b }, { scale: 1 }),
    b: () => weight({ dy: dy as tf.Tensor2D, x: u }, { scale: 1 }),
  }),
  cases: sizes.map(({ N, I, O }) => ({ shapes: { x: [N, I], w: [O, I], u: [N, 3], b: [O, 3] }, attrs: {} })),
});

export const kernels = [forward, back, weight, lora];

/** scale · x · wᵀ; x [N, I], w [O, I] → [N, O]. */
export function linear(x: tf.Tensor2D, w: tf.Tensor2D, scale = 1): tf.Tensor2D {
  return forward({ x, w }, { scale }) as tf.Tensor2D;
}

/** x · wᵀ + u · bᵀ: a frozen layer and the low-rank part beside it; u [N, R] holds the scaled inner values. */
export function loraLinear(x: tf.Tensor2D, w: tf.Tensor2D, u: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  return lora({ x, w, u, b }, {}) as tf.Tensor2D;
}

/**
 * @file SwiGLU (Shazeer 2020): y = silu(a) · b, silu(a) = a · σ(a).
 *
 *   da = dy · b · σ(a) · (1 + a · (1 − σ(a)))
 *   db = dy · silu(a)
 *
 * Shapes: a, b, y alike; or a and b side by side in each row of x [N, 2F], as one projection makes them, and y [N, F].
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

type Gate = { a: tf.Tensor; b: tf.Tensor };
type None = Record<string, never>;

const each = (value: string) => `
  fn main() {
    let i = ${element};
    if (i >= uniforms.count) { return; }
    let s = 1.0 / (1.0 + exp(-a[i]));
    result[i] = ${value};
  }`;
const count = (x: tf.Tensor) => ({ count: { type: "uint32" as const, value: x.size } });
const shapes = [
  [3, 5],
  [37, 129],
];
const block = 4096;

const gateBack = defineKernel({
  name: "SwigluGate",
  inputs: ["a", "b", "dy"],
  reference: ({ a, b, dy }: Gate & { dy: tf.Tensor }, _: None) => {
    const s = tf.sigmoid(a);
    return tf.mul(tf.mul(dy, b), tf.mul(s, tf.add(1, tf.mul(a, tf.sub(1, s)))));
  },
  gpu: ({ a }) => ({
    ...perElement(a.shape),
    uniforms: count(a),
    wgsl: () => each("dy[i] * b[i] * s * (1.0 + a[i] * (1.0 - s))"),
  }),
  wasm: ({ a }) => ({ fn: "swigluGate", outputShape: a.shape, work: Math.ceil(a.size / block), args: [a.size] }),
  cases: shapes.map((shape) => ({ shapes: { a: shape, b: shape, dy: shape }, attrs: {} })),
});

const upBack = defineKernel({
  name: "SwigluUp",
  inputs: ["a", "dy"],
  reference: ({ a, dy }: { a: tf.Tensor; dy: tf.Tensor }, _: None) => tf.mul(dy, tf.mul(a, tf.sigmoid(a))),
  gpu: ({ a }) => ({ ...perElement(a.shape), uniforms: count(a), wgsl: () => each("dy[i] * a[i] * s") }),
  wasm: ({ a }) => ({ fn: "swiglu", outputShape: a.shape, work: Math.ceil(a.size / block), args: [a.size] }),
  cases: shapes.map((shape) => ({ shapes: { a: shape, dy: shape }, attrs: {} })),
});

const forward = defineKernel({
  name: "Swiglu",
  inputs: ["a", "b"],
  reference: ({ a, b }: Gate, _: None) => tf.mul(tf.mul(a, tf.sigmoid(a)), b),
  gpu: ({ a }) => ({ ...perElement(a.shape), uniforms: count(a), wgsl: () => each("a[i] * s * b[i]") }),
  wasm: ({ a }) => ({ fn: "swiglu", outputShape: a.shape, work: Math.ceil(a.size / block), args: [a.size] }),
  gradient: (dy, { a, b }) => ({ a: () => gateBack({ a, b, dy }, {}), b: () => upBack({ a, dy }, {}) }),
  cases: shapes.map((shape) => ({ shapes: { a: shape, b: shape }, attrs: {} })),
});

/** WGSL: this invocation's gate `a` and its partner `b`, from their places `at` and `at + F` in x; `i` is that in y. */
const eachStacked = (work: string) => `
  fn main() {
    let i = ${element};
    if (i >= uniforms.count) { return; }
    let F = u32(uniforms.xShape[1]) / 2u;
    let at = i + (i / F) * F;
    let a = x[at];
    let b = x[at + F];
    let s = 1.0 / (1.0 + exp(-a));
    ${work}
  }`;
const rowsAPiece = (F: number) => Math.max(1, Math.floor(block / F));
const stackedShapes = [
  { N: 1, F: 7 },
  { N: 37, F: 129 },
  { N: 130, F: 384 },
];

const stackedBack = defineKernel({
  name: "SwigluStackedBack",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: { x: tf.Tensor2D; dy: tf.Tensor2D }, _: None) => {
    const [a, b] = tf.split(x, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    const s = tf.sigmoid(a);
    const da = tf.mul(tf.mul(dy, b), tf.mul(s, tf.add(1, tf.mul(a, tf.sub(1, s)))));
    return tf.concat([da, tf.mul(dy, tf.mul(a, s))], 1);
  },
  gpu: ({ x, dy }) => ({
    ...perElement(x.shape, dy.size),
    uniforms: count(dy),
    wgsl: () =>
      eachStacked(`
        result[at] = dy[i] * b * s * (1.0 + a * (1.0 - s));
        result[at + F] = dy[i] * a * s;`),
  }),
  wasm: ({ x, dy }) => {
    const [N, F] = dy.shape;
    const rows = rowsAPiece(F);
    return { fn: "swigluStackedBack", outputShape: x.shape, work: Math.ceil(N / rows), args: [N, F, rows] };
  },
  cases: stackedShapes.map(({ N, F }) => ({ shapes: { x: [N, 2 * F], dy: [N, F] }, attrs: {} })),
});

const stacked = defineKernel({
  name: "SwigluStacked",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor2D }, _: None) => {
    const [a, b] = tf.split(x, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    return tf.mul(tf.mul(a, tf.sigmoid(a)), b);
  },
  gpu: ({ x }) => ({
    ...perElement([dim(x, 0), dim(x, 1) / 2]),
    uniforms: { count: { type: "uint32", value: x.size / 2 } },
    wgsl: () => eachStacked("result[i] = a * s * b;"),
  }),
  wasm: ({ x }) => {
    const [N, F] = [dim(x, 0), dim(x, 1) / 2];
    const rows = rowsAPiece(F);
    return { fn: "swigluStacked", outputShape: [N, F], work: Math.ceil(N / rows), args: [N, F, rows] };
  },
  gradient: (dy, { x }) => ({ x: () => stackedBack({ x, dy: dy as tf.Tensor2D }, {}) }),
  cases: stackedShapes.map(({ N, F }) => ({ shapes: { x: [N, 2 * F] }, attrs: {} })),
});

export const kernels = [forward, gateBack, upBack, stacked, stackedBack];

/** silu(gate) · up of x [N, 2F], whose rows hold the gate's F numbers and then those of up → [N, F]. */
export function swigluStacked(x: tf.Tensor2D): tf.Tensor2D {
  return stacked({ x }, {}) as tf.Tensor2D;
}

export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return forward({ a: gate, b: up }, {}) as tf.Tensor2D;
}

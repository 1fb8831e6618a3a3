/**
 * @file SwiGLU (Shazeer 2020): y = silu(a) · b, silu(a) = a · σ(a).
 *
 *   da = dy · b · σ(a) · (1 + a · (1 − σ(a)))
 *   db = dy · silu(a)
 *
 * Shapes: all alike.
 */

import { defineKernel } from "./kernel";
import { element, perElement } from "./shape";
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

export const kernels = [forward, gateBack, upBack];

export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return forward({ a: gate, b: up }, {}) as tf.Tensor2D;
}

/**
 * @file GELU by its tanh approximation (Hendrycks and Gimpel 2016), as GPT-2 and Gemma have it:
 *
 *   y = x · s        s = σ(2u), u = √(2/π) · (x + 0.044715 x³)        as ½ (1 + tanh u) = σ(2u)
 *   dx = dy · (s + x · s · (1 − s) · 2u′)        u′ = √(2/π) · (1 + 0.134145 x²)
 *
 * Shapes: x, y, dy, dx all alike.
 */

import { defineKernel } from "./kernel";
import { element, perElement, sizeOf } from "./shape";
import { tf } from "./tf";

type None = Record<string, never>;

const twice = 2 * Math.sqrt(2 / Math.PI);
/** WGSL: s and the slope of gelu at a number; both pure expressions of their arguments. */
export const geluGate = (x: string) => `(1.0 / (1.0 + exp(-${twice} * (${x} + 0.044715 * ${x} * ${x} * ${x}))))`;
export const geluSlope = (x: string, s: string) =>
  `(${s} + ${x} * ${s} * (1.0 - ${s}) * ${twice} * (1.0 + 0.134145 * ${x} * ${x}))`;

/** The same in plain ops. */
export const geluGateOf = (x: tf.Tensor) =>
  tf.sigmoid(tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), twice));
export const geluSlopeOf = (x: tf.Tensor, s: tf.Tensor) => {
  const inner = tf.mul(tf.add(1, tf.mul(tf.square(x), 0.134145)), twice);
  return tf.add(s, tf.mul(tf.mul(tf.mul(x, s), tf.sub(1, s)), inner));
};

const block = 8192;
const shapes = [
  [1, 7],
  [33, 8],
  [130, 129],
];
const count = (shape: number[]) => ({ count: { type: "uint32" as const, value: sizeOf(shape) } });

const backward = defineKernel({
  name: "GeluBack",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: { x: tf.Tensor; dy: tf.Tensor }, _: None) => tf.mul(dy, geluSlopeOf(x, geluGateOf(x))),
  gpu: ({ x }) => ({
    ...perElement(x.shape),
    uniforms: count(x.shape),
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i >= uniforms.count) { return; }
        let a = x[i];
        let s = ${geluGate("a")};
        result[i] = dy[i] * ${geluSlope("a", "s")};
      }`,
  }),
  wasm: ({ x }) => ({ fn: "geluBack", outputShape: x.shape, work: Math.ceil(x.size / block), args: [x.size] }),
  cases: shapes.map((x) => ({ shapes: { x, dy: x }, attrs: {} })),
});

const forward = defineKernel({
  name: "Gelu",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor }, _: None) => tf.mul(x, geluGateOf(x)),
  gpu: ({ x }) => ({
    ...perElement(x.shape),
    uniforms: count(x.shape),
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i >= uniforms.count) { return; }
        let a = x[i];
        result[i] = a * ${geluGate("a")};
      }`,
  }),
  wasm: ({ x }) => ({ fn: "gelu", outputShape: x.shape, work: Math.ceil(x.size / block), args: [x.size] }),
  gradient: (dy, { x }) => ({ x: () => backward({ x, dy }, {}) }),
  cases: shapes.map((x) => ({ shapes: { x }, attrs: {} })),
});

export const kernels = [forward, backward];

export function gelu<T extends tf.Tensor>(x: T): T {
  return forward({ x }, {}) as T;
}

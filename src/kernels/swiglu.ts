/**
 * @file SwiGLU (Shazeer 2020): y = silu(a) · b, silu(a) = a · σ(a).
 *
 *   da = dy · b · σ(a) · (1 + a · (1 − σ(a)))
 *   db = dy · silu(a)
 *
 * Shapes: a and b lie side by side in each row of x [N, 2F], as one projection makes them; y [N, F].
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

type None = Record<string, never>;

const count = (y: number) => ({ count: { type: "uint32" as const, value: y } });
const block = 4096;

/** WGSL: this invocation's gate `a` and its partner `b`, from their places `at` and `at + F` in x; `i` is that in y. */
const each = (work: string) => `
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
const sizes = [
  { N: 1, F: 7 },
  { N: 37, F: 129 },
  { N: 130, F: 384 },
];

const backward = defineKernel({
  name: "SwigluBack",
  inputs: ["x", "dy"],
  reference: ({ x, dy }: { x: tf.Tensor2D; dy: tf.Tensor2D }, _: None) => {
    const [a, b] = tf.split(x, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    const s = tf.sigmoid(a);
    const da = tf.mul(tf.mul(dy, b), tf.mul(s, tf.add(1, tf.mul(a, tf.sub(1, s)))));
    return tf.concat([da, tf.mul(dy, tf.mul(a, s))], 1);
  },
  gpu: ({ x, dy }) => ({
    ...perElement(x.shape, dy.size),
    uniforms: count(dy.size),
    wgsl: () =>
      each(`
        result[at] = dy[i] * b * s * (1.0 + a * (1.0 - s));
        result[at + F] = dy[i] * a * s;`),
  }),
  wasm: ({ x, dy }) => {
    const [N, F] = dy.shape;
    const rows = rowsAPiece(F);
    return { fn: "swigluBack", outputShape: x.shape, work: Math.ceil(N / rows), args: [N, F, rows] };
  },
  cases: sizes.map(({ N, F }) => ({ shapes: { x: [N, 2 * F], dy: [N, F] }, attrs: {} })),
});

const forward = defineKernel({
  name: "Swiglu",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor2D }, _: None) => {
    const [a, b] = tf.split(x, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    return tf.mul(tf.mul(a, tf.sigmoid(a)), b);
  },
  gpu: ({ x }) => ({
    ...perElement([dim(x, 0), dim(x, 1) / 2]),
    uniforms: count(x.size / 2),
    wgsl: () => each("result[i] = a * s * b;"),
  }),
  wasm: ({ x }) => {
    const [N, F] = [dim(x, 0), dim(x, 1) / 2];
    const rows = rowsAPiece(F);
    return { fn: "swiglu", outputShape: [N, F], work: Math.ceil(N / rows), args: [N, F, rows] };
  },
  gradient: (dy, { x }) => ({ x: () => backward({ x, dy: dy as tf.Tensor2D }, {}) }),
  cases: sizes.map(({ N, F }) => ({ shapes: { x: [N, 2 * F] }, attrs: {} })),
});

export const kernels = [forward, backward];

/** silu(gate) · up of x [N, 2F], whose rows hold the gate's F numbers and then those of up → [N, F]. */
export function swiglu(x: tf.Tensor2D): tf.Tensor2D {
  return forward({ x }, {}) as tf.Tensor2D;
}

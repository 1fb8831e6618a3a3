/**
 * @file Soft caps, as Gemma 2 puts on its logits: y = c · tanh(x / c), which never leaves ±c.
 *
 *   dx = dy · (1 − (y / c)²)
 *
 * Shapes: x, y, dy, dx all alike.
 */

import { defineKernel } from "./kernel";
import { element, perElement, sizeOf } from "./shape";
import { tf } from "./tf";

type Cap = { cap: number };

/** WGSL: c · tanh(x / c) of a number or a vector, by one exponential: WGSL's own tanh may be off by 1e-5. */
export const capped = (x: string, cap: number) => `(${cap} - ${2 * cap} / (1.0 + exp(${x} * ${2 / cap})))`;

const block = 8192;
const cases = [
  [3, 5],
  [70, 129],
].map((shape) => ({ shapes: { x: shape }, attrs: { cap: 1.5 } }));
const count = (shape: number[]) => ({ count: { type: "uint32" as const, value: sizeOf(shape) } });

const backward = defineKernel({
  name: "SoftcapBack",
  inputs: ["y", "dy"],
  reference: ({ y, dy }: { y: tf.Tensor; dy: tf.Tensor }, { cap }: Cap) =>
    tf.mul(dy, tf.sub(1, tf.square(tf.div(y, cap)))),
  gpu: ({ y }, { cap }) => ({
    ...perElement(y.shape),
    constants: { cap },
    uniforms: count(y.shape),
    wgsl: ({ cap }) => `
      fn main() {
        let i = ${element};
        if (i < uniforms.count) { result[i] = dy[i] * (1.0 - y[i] * y[i] * ${1 / Number(cap) ** 2}); }
      }`,
  }),
  wasm: ({ y }, { cap }) => ({
    fn: "softcapBack",
    outputShape: y.shape,
    work: Math.ceil(y.size / block),
    args: [y.size, { float: cap }],
  }),
  cases: cases.map(({ shapes: { x }, attrs }) => ({ shapes: { y: x, dy: x }, attrs })),
});

const forward = defineKernel({
  name: "Softcap",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor }, { cap }: Cap) => tf.mul(tf.tanh(tf.div(x, cap)), cap),
  gpu: ({ x }, { cap }) => ({
    ...perElement(x.shape),
    constants: { cap },
    uniforms: count(x.shape),
    wgsl: ({ cap }) => `
      fn main() {
        let i = ${element};
        if (i < uniforms.count) { result[i] = ${capped("x[i]", Number(cap))}; }
      }`,
  }),
  wasm: ({ x }, { cap }) => ({
    fn: "softcap",
    outputShape: x.shape,
    work: Math.ceil(x.size / block),
    args: [x.size, { float: cap }],
  }),
  saves: [],
  savesOutput: true,
  gradient: (dy, _, { cap }, { ys: [y] }) => ({ x: () => backward({ y: y as tf.Tensor, dy }, { cap }) }),
  cases,
});

export const kernels = [forward, backward];

/** cap · tanh(x / cap), of x itself where there is no cap. */
export function softcap<T extends tf.Tensor>(x: T, cap: number | null): T {
  return cap === null ? x : (forward({ x }, { cap }) as T);
}

/** dy · (1 − (y / cap)²): the gradient of x, from the capped y. */
export function softcapBack<T extends tf.Tensor>(y: T, dy: T, cap: number | null): T {
  return cap === null ? dy : (backward({ y, dy }, { cap }) as T);
}

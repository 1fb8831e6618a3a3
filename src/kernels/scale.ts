/** @file Every number times one factor, as Gemma scales its embeddings. The gradient is scaled likewise. */

import { defineKernel } from "./kernel";
import { element, perElement } from "./shape";
import { tf } from "./tf";

const forward = defineKernel({
  name: "Scale",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor }, { factor }: { factor: number }) => tf.mul(x, factor),
  gpu: ({ x }, { factor }) => ({
    ...perElement(x.shape),
    uniforms: { count: { type: "uint32", value: x.size }, factor: { type: "float32", value: factor } },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i < uniforms.count) { result[i] = x[i] * uniforms.factor; }
      }`,
  }),
  wasm: ({ x }, { factor }) => ({
    fn: "scale",
    outputShape: x.shape,
    work: Math.ceil(x.size / 8192),
    args: [x.size, { float: factor }],
  }),
  saves: [],
  gradient: (dy, _, { factor }) => ({ x: () => scaled(dy, factor) }),
  cases: [
    { shapes: { x: [3, 5] }, attrs: { factor: 4.2 } },
    { shapes: { x: [70, 129] }, attrs: { factor: 0.3 } },
  ],
});

export const kernels = [forward];

/** x itself where the factor is 1. */
export function scaled<T extends tf.Tensor>(x: T, factor: number): T {
  return factor === 1 ? x : (forward({ x }, { factor }) as T);
}

/** @file The sum of two tensors of one shape: a residual connection. Its gradient passes through to both. */

import { defineKernel } from "./kernel";
import { element, perElement } from "./shape";
import { tf } from "./tf";

const forward = defineKernel({
  name: "AddSame",
  inputs: ["a", "b"],
  reference: ({ a, b }: { a: tf.Tensor; b: tf.Tensor }, _: Record<string, never>) => tf.add(a, b),
  gpu: ({ a }) => ({
    ...perElement(a.shape),
    uniforms: { count: { type: "uint32", value: a.size } },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i < uniforms.count) { result[i] = a[i] + b[i]; }
      }`,
  }),
  wasm: ({ a }) => ({ fn: "add", outputShape: a.shape, work: Math.ceil(a.size / 8192), args: [a.size] }),
  // A clone for each: the tape disposes of a gradient once it has been added to another.
  saves: [],
  gradient: (dy) => ({ a: () => tf.clone(dy), b: () => tf.clone(dy) }),
  cases: [
    { shapes: { a: [3, 5], b: [3, 5] }, attrs: {} },
    { shapes: { a: [70, 129], b: [70, 129] }, attrs: {} },
  ],
});

export const kernels = [forward];

export function add<T extends tf.Tensor>(a: T, b: T): T {
  return forward({ a, b }, {}) as T;
}

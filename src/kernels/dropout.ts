/**
 * @file Dropout: y = x · keep / (1 − p), where the i-th element is kept if the i-th draw of core/random is at least p.
 *
 * The generator's state only counts, so any element's draw can be computed alone: every backend makes the same mask.
 * Shapes: x, y, dy, dx alike.
 */

import { newRandom } from "../core/random";
import { defineKernel } from "./kernel";
import { element, perElement } from "./shape";
import { tf } from "./tf";

type Chance = { p: number; seed: number };

const forward = defineKernel({
  name: "DropoutSeeded",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor }, { p, seed }: Chance) => {
    const random = newRandom(seed);
    const mask = Float32Array.from({ length: x.size }, () => (random.next() < p ? 0 : 1 / (1 - p)));
    return tf.mul(x, tf.tensor(mask, x.shape));
  },
  gpu: ({ x }, { p, seed }) => ({
    ...perElement(x.shape),
    uniforms: {
      seed: { type: "uint32", value: seed },
      least: { type: "uint32", value: leastKept(p) },
      scale: { type: "float32", value: 1 / (1 - p) },
      count: { type: "uint32", value: x.size },
    },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i >= uniforms.count) { return; }
        let a = uniforms.seed + (i + 1u) * 0x6d2b79f5u;
        var t = (a ^ (a >> 15u)) * (a | 1u);
        t ^= t + (t ^ (t >> 7u)) * (t | 61u);
        t ^= t >> 14u;
        result[i] = select(0.0, x[i] * uniforms.scale, t >= uniforms.least);
      }`,
  }),
  wasm: ({ x }, { p, seed }) => ({
    fn: "dropout",
    outputShape: x.shape,
    work: Math.ceil(x.size / 4096),
    args: [x.size, seed | 0, leastKept(p) | 0, { float: 1 / (1 - p) }],
  }),
  saves: [],
  gradient: (dy, _, { p, seed }) => ({ x: (): tf.Tensor => dropout(dy, p, seed) }),
  cases: [
    { shapes: { x: [3, 5] }, attrs: { p: 0.5, seed: 7 } },
    { shapes: { x: [37, 129] }, attrs: { p: 0.1, seed: 4_000_000_000 } },
  ],
});

/** The smallest 32-bit draw that is kept. */
function leastKept(p: number): number {
  return Math.min(4294967295, Math.ceil(p * 4294967296));
}

export const kernels = [forward];

export function dropout<T extends tf.Tensor>(x: T, p: number, seed: number): T {
  return forward({ x }, { p, seed: seed >>> 0 }) as T;
}

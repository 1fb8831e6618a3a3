/**
 * @file AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW computes it.
 *
 *   m ← β₁ m + (1 − β₁) c g           v ← β₂ v + (1 − β₂) (c g)²
 *   p ← p (1 − lr λ) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
 *
 * c is the factor that clips the gradient. Every number that changes from step to step is data, not source.
 * Shapes: p, g, m, v alike; the sum of squares is [1].
 */

import { defineKernel } from "./kernel";
import { element, perElement } from "./shape";
import { tf } from "./tf";

type Decay = { beta: number; clip: number };
type Step = { rate: number; shrink: number; correction: number; epsilon: number };

const shapes = [
  [3, 5],
  [37, 129],
];
const block = 8192;
const f32 = (value: number) => ({ type: "float32" as const, value });
const count = (x: tf.Tensor) => ({ type: "uint32" as const, value: x.size });
const each = (value: string) => `
  fn main() {
    let i = ${element};
    if (i >= uniforms.count) { return; }
    ${value}
  }`;

const moment = defineKernel({
  name: "AdamMoment",
  inputs: ["m", "g"],
  reference: ({ m, g }: { m: tf.Tensor; g: tf.Tensor }, { beta, clip }: Decay) =>
    tf.add(tf.mul(m, beta), tf.mul(g, clip * (1 - beta))),
  gpu: ({ m }, { beta, clip }) => ({
    ...perElement(m.shape),
    uniforms: { beta: f32(beta), part: f32(clip * (1 - beta)), count: count(m) },
    wgsl: () => each("result[i] = m[i] * uniforms.beta + g[i] * uniforms.part;"),
  }),
  wasm: ({ m }, { beta, clip }) => ({
    fn: "adamMoment",
    outputShape: m.shape,
    work: Math.ceil(m.size / block),
    args: [m.size, { float: beta }, { float: clip * (1 - beta) }],
  }),
  cases: shapes.map((shape) => ({ shapes: { m: shape, g: shape }, attrs: { beta: 0.9, clip: 0.5 } })),
});

const variance = defineKernel({
  name: "AdamVariance",
  inputs: ["v", "g"],
  reference: ({ v, g }: { v: tf.Tensor; g: tf.Tensor }, { beta, clip }: Decay) =>
    tf.add(tf.mul(v, beta), tf.mul(tf.square(g), clip * clip * (1 - beta))),
  gpu: ({ v }, { beta, clip }) => ({
    ...perElement(v.shape),
    uniforms: { beta: f32(beta), part: f32(clip * clip * (1 - beta)), count: count(v) },
    wgsl: () => each("result[i] = v[i] * uniforms.beta + g[i] * g[i] * uniforms.part;"),
  }),
  wasm: ({ v }, { beta, clip }) => ({
    fn: "adamVariance",
    outputShape: v.shape,
    work: Math.ceil(v.size / block),
    args: [v.size, { float: beta }, { float: clip * clip * (1 - beta) }],
  }),
  cases: shapes.map((shape) => ({ shapes: { v: shape, g: shape }, attrs: { beta: 0.999, clip: 0.5 } })),
});

const update = defineKernel({
  name: "AdamStep",
  inputs: ["p", "m", "v"],
  reference: ({ p, m, v }: { p: tf.Tensor; m: tf.Tensor; v: tf.Tensor }, { rate, shrink, correction, epsilon }: Step) =>
    tf.sub(tf.mul(p, shrink), tf.mul(tf.div(m, tf.add(tf.mul(tf.sqrt(tf.abs(v)), correction), epsilon)), rate)),
  gpu: ({ p }, { rate, shrink, correction, epsilon }) => ({
    ...perElement(p.shape),
    uniforms: {
      rate: f32(rate),
      shrink: f32(shrink),
      correction: f32(correction),
      epsilon: f32(epsilon),
      count: count(p),
    },
    wgsl: () =>
      each(
        "result[i] = p[i] * uniforms.shrink - uniforms.rate * m[i] / (sqrt(abs(v[i])) * uniforms.correction + uniforms.epsilon);",
      ),
  }),
  wasm: ({ p }, { rate, shrink, correction, epsilon }) => ({
    fn: "adamStep",
    outputShape: p.shape,
    work: Math.ceil(p.size / block),
    args: [p.size, { float: rate }, { float: shrink }, { float: correction }, { float: epsilon }],
  }),
  cases: shapes.map((shape) => ({
    shapes: { p: shape, m: shape, v: shape },
    attrs: { rate: 0.01, shrink: 0.99, correction: 3, epsilon: 1e-3 },
  })),
});

const squares = defineKernel({
  name: "SumOfSquares",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor }, _: Record<string, never>) => tf.reshape(tf.sum(tf.square(x)), [1]),
  gpu: ({ x }) => ({
    outputShape: [1],
    workgroups: [1, 1, 1],
    uniforms: { count: count(x) },
    wgsl: () => `
      var<workgroup> partials: array<f32, 64>;
      fn main() {
        var sum = 0.0;
        for (var i = localId.x; i < uniforms.count; i += 64u) { sum += x[i] * x[i]; }
        partials[localId.x] = sum;
        workgroupBarrier();
        for (var half = 32u; half > 0u; half >>= 1u) {
          if (localId.x < half) { partials[localId.x] += partials[localId.x + half]; }
          workgroupBarrier();
        }
        if (localId.x == 0u) { result[0] = partials[0]; }
      }`,
  }),
  wasm: ({ x }) => ({ fn: "sumOfSquares", outputShape: [1], work: 1, args: [x.size] }),
  cases: shapes.map((shape) => ({ shapes: { x: shape }, attrs: {} })),
});

export const kernels = [moment, variance, update, squares];

export type Moments = { m: tf.Tensor; v: tf.Tensor };
export type AdamSettings = { beta1: number; beta2: number; epsilon: number; weightDecay: number };

/** One step for one tensor; `step` counts from 1. The tensors given stay the caller's to dispose of. */
export function adamW(
  p: tf.Tensor,
  g: tf.Tensor,
  moments: Moments,
  { beta1, beta2, epsilon, weightDecay }: AdamSettings,
  { step, learningRate, clip }: { step: number; learningRate: number; clip: number },
): Moments & { p: tf.Tensor } {
  const m = moment({ m: moments.m, g }, { beta: beta1, clip });
  const v = variance({ v: moments.v, g }, { beta: beta2, clip });
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  return { m, v, p: update({ p, m, v }, { rate, shrink: 1 - learningRate * weightDecay, correction, epsilon }) };
}

/** Σ x², [1]. */
export function sumOfSquares(x: tf.Tensor): tf.Tensor1D {
  return squares({ x }, {}) as tf.Tensor1D;
}

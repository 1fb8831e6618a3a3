/**
 * @file AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW computes it.
 *
 *   m ← β₁ m + (1 − β₁) c g           v ← β₂ v + (1 − β₂) (c g)²
 *   p ← p (1 − lr λ) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
 *
 * c is the factor that clips the gradient as torch.nn.utils.clip_grad_norm_ does, c = min(1, limit / (‖g‖ + 1e-6));
 * a gradient whose norm is not finite changes nothing. A step takes all parameters at once (flat.ts) and writes over
 * p, m and v. Every number that changes from step to step is data, not source.
 * Shapes: p, g, m, v [n]; the partial sums of g² [256].
 */

import { isSoftwareAdapter, rowLanes } from "./adapter";
import { valuesOf } from "./flat";
import { defineKernel } from "./kernel";
import { acrossLanes, plus } from "./shape";
import { tf } from "./tf";

const block = 8192;
const f32 = (value: number) => ({ type: "float32" as const, value });
const asFloat = (float: number) => ({ float });
const count = (x: tf.Tensor) => ({ type: "uint32" as const, value: x.size });

const parts = 256;
/** Numbers in each of the parts whose squares are summed: a multiple of four, so that SIMD has one tail at most. */
const partSize = (count: number) => Math.max(4, 4 * Math.ceil(count / parts / 4));
const flatSizes = [[15], [1024], [70_001]];

const squaresPartial = defineKernel({
  name: "SquaresPartial",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor1D }, _: Record<string, never>) => {
    const size = partSize(x.size);
    return tf.sum(tf.square(tf.reshape(tf.pad(x, [[0, parts * size - x.size]]), [parts, size])), 1);
  },
  gpu: ({ x }) => ({
    outputShape: [parts],
    workgroups: [parts, 1, 1],
    workgroupSize: [rowLanes(), 1, 1],
    uniforms: { count: count(x), size: { type: "uint32", value: partSize(x.size) } },
    wgsl: () => `
      ${acrossLanes("sumOfLanes", plus)}
      fn main() {
        let first = workgroupId.x * uniforms.size;
        let end = min(first + uniforms.size, uniforms.count);
        var sum = 0.0;
        for (var i = first + localId.x; i < end; i += ${rowLanes()}u) { sum += x[i] * x[i]; }
        let all = sumOfLanes(localId.x, sum);
        if (localId.x == 0u) { result[workgroupId.x] = all; }
      }`,
  }),
  wasm: ({ x }) => ({
    fn: "squaresPartial",
    outputShape: [parts],
    work: parts,
    cost: x.size,
    args: [x.size, partSize(x.size)],
  }),
  cases: flatSizes.map((x) => ({ shapes: { x }, attrs: {} })),
});

type FlatInputs = { p: tf.Tensor1D; m: tf.Tensor1D; v: tf.Tensor1D; g: tf.Tensor1D; squares: tf.Tensor1D };
/**
 * `rate` is lr / (1 − β₁ᵗ), `shrink` 1 − lr λ, `correction` 1 / √(1 − β₂ᵗ), `limit` the norm to clip to or 0. Numbers
 * from `fastFrom` on have a learning rate of their own, and with it a rate and shrink.
 */
type FlatStep = Record<
  "limit" | "beta1" | "beta2" | "rate" | "shrink" | "correction" | "epsilon" | "fastFrom" | "fastRate" | "fastShrink",
  number
>;
/** Numbers a workgroup updates, by 256 invocations: enough that summing the parts anew is little beside it. */
const groupSize = () => (isSoftwareAdapter() ? 65_536 : 2048);

/** p, m and v after the step, as new tensors. */
function stepped({ p, m, v, g }: FlatInputs, attrs: FlatStep): tf.Tensor[] {
  const { limit, beta1, beta2, correction, epsilon, fastFrom } = attrs;
  const isFast = tf.greaterEqual(tf.range(0, p.size, 1, "int32"), tf.scalar(fastFrom, "int32"));
  const of = (slow: number, fast: number) => tf.where(isFast, tf.fill([p.size], fast), tf.fill([p.size], slow));
  const [rate, shrink] = [of(attrs.rate, attrs.fastRate), of(attrs.shrink, attrs.fastShrink)];
  const norm = tf.sqrt(tf.sum(tf.square(g)));
  const clip = limit > 0 ? tf.minimum(1, tf.div(limit, tf.add(norm, 1e-6))) : tf.scalar(1);
  const c = tf.mul(g, clip);
  const nextM = tf.add(tf.mul(m, beta1), tf.mul(c, 1 - beta1));
  const nextV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(c), 1 - beta2));
  const spread = tf.add(tf.mul(tf.sqrt(tf.abs(nextV)), correction), epsilon);
  const nextP = tf.sub(tf.mul(p, shrink), tf.mul(tf.div(nextM, spread), rate));
  const isFinite = tf.isFinite(norm);
  return [tf.where(isFinite, nextP, p), tf.where(isFinite, nextM, m), tf.where(isFinite, nextV, v)];
}

const flatStep = defineKernel({
  name: "AdamWFlat",
  inputs: ["p", "m", "v", "g", "squares"],
  outputs: 3,
  reference: stepped,
  derive: ({ g }) => ({ squares: squaresPartial({ x: g }, {}) as tf.Tensor1D }),
  // Where there is no kernel of ours, in place all the same: what holds p, m and v sees the step.
  compose: (inputs, attrs) => {
    const next = stepped(inputs, attrs);
    return [inputs.p, inputs.m, inputs.v].map((x, i) => {
      const values = next[i];
      if (values) valuesOf(x).set(valuesOf(values));
      return tf.clone(x);
    });
  },
  gpu: ({ p }, { limit, beta1, beta2, rate, shrink, correction, epsilon, fastFrom, fastRate, fastShrink }) => {
    const group = groupSize();
    const groups = Math.ceil(p.size / group);
    const across = Math.min(groups, 32768);
    return {
      outputShape: p.shape,
      inPlace: 3,
      workgroups: [across, Math.ceil(groups / across), 1],
      workgroupSize: [256, 1, 1],
      uniforms: {
        limit: f32(limit),
        beta1: f32(beta1),
        part1: f32(1 - beta1),
        beta2: f32(beta2),
        part2: f32(1 - beta2),
        rate: f32(rate),
        shrink: f32(shrink),
        correction: f32(correction),
        epsilon: f32(epsilon),
        fastRate: f32(fastRate),
        fastShrink: f32(fastShrink),
        fastFrom: { type: "uint32", value: fastFrom },
        count: count(p),
      },
      constants: { group },
      wgsl: ({ group }) => `
        ${acrossLanes("sumOfLanes", plus, { lanes: 256 })}
        fn main() {
          let total = sumOfLanes(localId.x, squares[localId.x]);
          // Looked at as bits: a shader compiler may take it that no number is infinite or NaN.
          if ((bitcast<u32>(total) & 0x7f800000u) == 0x7f800000u) { return; }
          var clip = 1.0;
          if (uniforms.limit > 0.0) { clip = min(1.0, uniforms.limit / (sqrt(total) + 1e-6)); }
          let first = (workgroupId.y * numWorkgroups.x + workgroupId.x) * ${group}u + localId.x;
          for (var k = 0u; k < ${Number(group) / 256}u; k++) {
            let i = first + k * 256u;
            if (i >= uniforms.count) { return; }
            let c = g[i] * clip;
            let nextM = m[i] * uniforms.beta1 + c * uniforms.part1;
            let nextV = v[i] * uniforms.beta2 + c * c * uniforms.part2;
            m[i] = nextM;
            v[i] = nextV;
            let isFast = i >= uniforms.fastFrom;
            let rate = select(uniforms.rate, uniforms.fastRate, isFast);
            let shrink = select(uniforms.shrink, uniforms.fastShrink, isFast);
            p[i] = p[i] * shrink - rate * nextM / (sqrt(abs(nextV)) * uniforms.correction + uniforms.epsilon);
          }
        }`,
    };
  },
  wasm: ({ p }, { limit, beta1, beta2, rate, shrink, correction, epsilon, fastFrom, fastRate, fastShrink }) => ({
    fn: "adamWFlat",
    outputShape: p.shape,
    inPlace: 3,
    work: Math.ceil(p.size / block),
    args: [
      p.size,
      ...[limit, beta1, 1 - beta1, beta2, 1 - beta2, rate, shrink, correction, epsilon, fastRate, fastShrink].map(
        asFloat,
      ),
      fastFrom,
    ],
  }),
  cases: flatSizes.map((n, i) => ({
    shapes: { p: n, m: n, v: n, g: n, squares: [parts] },
    attrs: {
      limit: i === 0 ? 0 : 5,
      beta1: 0.9,
      beta2: 0.999,
      rate: 0.01,
      shrink: 0.99,
      correction: 3,
      epsilon: 1e-3,
      fastFrom: [15, 1000, 20_003][i] ?? 0,
      fastRate: 0.2,
      fastShrink: 0.9,
    },
  })),
});

export const kernels = [squaresPartial, flatStep];

export type AdamSettings = { beta1: number; beta2: number; epsilon: number; weightDecay: number };

/** Numbers that learn at another rate: all from this one on, so many times as fast (LoRA+). */
export type Faster = { from: number; ratio: number };

/**
 * One step over parameters laid flat, in place: p, and its moments m and v, [n] each, are written over. `g` [n] is
 * their gradient, in the same layout (`gather` of flat.ts), with zeros in the gaps. `step` counts from 1. The gradient
 * is scaled down to the norm `maxGradNorm`, 0 leaves it as it is; where its norm is not finite nothing is changed.
 * Returns the sums of the gradient's squares by parts, [256]: the root of their sum is the norm before clipping.
 */
export function adamWStep(
  { p, m, v }: { p: tf.Tensor1D; m: tf.Tensor1D; v: tf.Tensor1D },
  g: tf.Tensor1D,
  { beta1, beta2, epsilon, weightDecay }: AdamSettings,
  at: { step: number; learningRate: number; maxGradNorm: number; faster?: Faster | null },
): tf.Tensor1D {
  const { step, learningRate, maxGradNorm, faster } = at;
  const squares = squaresPartial({ x: g }, {}) as tf.Tensor1D;
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  const shrink = 1 - learningRate * weightDecay;
  const { from, ratio } = faster ?? { from: p.size, ratio: 1 };
  const fast = { fastFrom: from, fastRate: rate * ratio, fastShrink: 1 - ratio * learningRate * weightDecay };
  const slow = { limit: maxGradNorm, beta1, beta2, rate, shrink, correction, epsilon };
  tf.dispose(flatStep.all({ p, m, v, g, squares }, { ...slow, ...fast }));
  return squares;
}

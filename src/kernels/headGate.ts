/**
 * @file A gate on each head's output (LoAR; Qiu et al. 2025 find head-wise sigmoid gates after attention to help):
 *
 *   out_h = y_h · g_h      g = factor · σ(z)
 *
 *   dy_h = dout_h · g_h    dz_h = g_h · (1 − σ(z_h)) · Σ over the head of dout_h · y_h
 *
 * With the factor 2 and z = 0 a gate is 1 and passes every bit. Shapes: y, out [N, H·D]; z [N, H].
 */

import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

type Factor = { factor: number };
type Inputs = { y: tf.Tensor2D; z: tf.Tensor2D };

/** WGSL: σ. Where z is 0 it is said, because WGSL lets exp be some units in the last place off even there. */
const sigmoid = (z: string) => `select(1.0 / (1.0 + exp(-${z})), 0.5, ${z} == 0.0)`;

/** Eight lanes serve a head, eight heads a workgroup, so that neighbours in memory are read together. */
const lanes = 8;

const cases = () =>
  [
    { N: 1, H: 2, D: 3 },
    { N: 37, H: 5, D: 32 },
    { N: 20, H: 3, D: 129 },
  ].map(({ N, H, D }) => ({ shapes: { y: [N, H * D], z: [N, H] }, attrs: { factor: 2 } }));

const args = ({ y, z }: Inputs, { factor }: Factor) => [
  ...[dim(z, 0), dim(z, 1), dim(y, 1) / dim(z, 1)],
  { float: factor },
];

/** Each head as a row: [N, H, D]. */
const heads = (y: tf.Tensor2D, z: tf.Tensor2D) => tf.reshape(y, [dim(z, 0), dim(z, 1), dim(y, 1) / dim(z, 1)]);

const gateBack = defineKernel({
  name: "HeadGateBack",
  inputs: ["y", "z", "dout"],
  reference: ({ y, z, dout }: Inputs & { dout: tf.Tensor2D }, { factor }: Factor) => {
    const s = tf.sigmoid(z);
    const along = tf.sum(tf.mul(heads(y, z), heads(dout, z)), -1);
    return tf.mul(tf.mul(tf.mul(s, tf.sub(1, s)), factor), along);
  },
  gpu: ({ z }, { factor }) => {
    const groups = Math.max(1, Math.ceil(z.size / 8));
    const across = Math.min(groups, 32768);
    return {
      outputShape: z.shape,
      workgroups: [across, Math.ceil(groups / across), 1],
      workgroupSize: [lanes, 8, 1],
      uniforms: { factor: { type: "float32", value: factor } },
      wgsl: () => `
        var<workgroup> partials: array<f32, 64>;
        fn main() {
          let H = u32(uniforms.zShape[1]);
          let D = u32(uniforms.yShape[1]) / H;
          let head = (workgroupId.y * numWorkgroups.x + workgroupId.x) * 8u + localId.y;
          let isHead = head < u32(uniforms.zShape[0]) * H;
          var sum = 0.0;
          if (isHead) {
            for (var d = localId.x; d < D; d += ${lanes}u) { sum += y[head * D + d] * dout[head * D + d]; }
          }
          partials[localId.y * ${lanes}u + localId.x] = sum;
          workgroupBarrier();
          if (localId.x > 0u || !isHead) { return; }
          var along = 0.0;
          for (var i = 0u; i < ${lanes}u; i++) { along += partials[localId.y * ${lanes}u + i]; }
          let s = ${sigmoid("z[head]")};
          result[head] = uniforms.factor * s * (1.0 - s) * along;
        }`,
    };
  },
  wasm: ({ y, z }, attrs) => ({
    fn: "headGateBack",
    outputShape: z.shape,
    work: Math.ceil(dim(z, 0) / 16),
    cost: 8 * y.size,
    args: args({ y, z }, attrs),
  }),
  cases: cases().map(({ shapes, attrs }) => ({ shapes: { ...shapes, dout: shapes.y }, attrs })),
});

const forward = defineKernel({
  name: "HeadGate",
  inputs: ["y", "z"],
  reference: ({ y, z }: Inputs, { factor }: Factor) =>
    tf.reshape(tf.mul(heads(y, z), tf.expandDims(tf.mul(tf.sigmoid(z), factor), -1)), y.shape),
  gpu: ({ y, z }, { factor }) => ({
    ...perElement(y.shape),
    uniforms: {
      count: { type: "uint32", value: y.size },
      width: { type: "uint32", value: dim(y, 1) / dim(z, 1) },
      factor: { type: "float32", value: factor },
    },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i >= uniforms.count) { return; }
        let gate = z[i / uniforms.width];
        result[i] = y[i] * (uniforms.factor * ${sigmoid("gate")});
      }`,
  }),
  wasm: ({ y, z }, attrs) => ({
    fn: "headGate",
    outputShape: y.shape,
    work: Math.ceil(dim(y, 0) / 16),
    args: args({ y, z }, attrs),
  }),
  gradient: (dout, { y, z }, { factor }) => ({
    y: () => headGate(dout as tf.Tensor2D, z, factor),
    z: () => gateBack({ y, z, dout: dout as tf.Tensor2D }, { factor }),
  }),
  cases: cases(),
});

export const kernels = [forward, gateBack];

/** y [N, H·D] with head h times factor · σ(z_h), z [N, H] → [N, H·D]. The gradient comes back to both. */
export function headGate(y: tf.Tensor2D, z: tf.Tensor2D, factor: number): tf.Tensor2D {
  return forward({ y, z }, { factor }) as tf.Tensor2D;
}

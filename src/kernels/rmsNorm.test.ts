/** @file The sum and its norm in one kernel, on the tape: whichever outputs are used and whichever inputs are trained. */

import { beforeAll, expect, it } from "vitest";
import { newRandom } from "../core/random";
import { deviceMemory, openDevice } from "./device";
import { relativeError } from "./kernelCases";
import { addRmsNorm } from "./rmsNorm";
import { loadStockGradients, tf } from "./tf";

const eps = 1e-5;

/** The meaning, in stock ops. */
function plain(x: tf.Tensor2D, r: tf.Tensor2D, g: tf.Tensor1D): [tf.Tensor2D, tf.Tensor2D] {
  const sum = tf.add<tf.Tensor2D>(x, r);
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(sum), -1, true), eps));
  return [sum, tf.mul(tf.mul(sum, scale), g)];
}

type Fused = typeof plain;
type Use = (fused: Fused, x: tf.Tensor2D, r: tf.Tensor2D, g: tf.Tensor1D) => tf.Tensor;

const uses: Record<string, Use> = {
  "both outputs": (fused, x, r, g) => {
    const [sum, y] = fused(x, r, g);
    return tf.add(tf.sum(tf.square(sum)), tf.sum(tf.sin(y)));
  },
  "the norm alone": (fused, x, r, g) => tf.sum(tf.sin(fused(x, r, g)[1])),
  "the sum alone": (fused, x, r, g) => tf.sum(tf.sin(fused(x, r, g)[0])),
  "a residual used twice": (fused, x, r, g) => {
    const [sum, y] = fused(x, r, g);
    const [again, z] = fused(sum, tf.sin(y), g);
    return tf.add(tf.sum(tf.sin(z)), tf.sum(tf.mul(again, tf.mul(x, r))));
  },
  "one tensor twice": (fused, x, r, g) => {
    const [sum, y] = fused(x, x, g);
    return tf.add(tf.sum(tf.mul(sum, r)), tf.sum(tf.sin(y)));
  },
};

const draw = (seed: number, shape: number[]) => {
  const random = newRandom(seed);
  const length = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length }, () => random.normal()),
    shape,
  );
};

beforeAll(async () => {
  await loadStockGradients();
  await openDevice("wasm");
});

it.each(Object.entries(uses))("%s", async (_, use) => {
  const before = deviceMemory().tensors;
  const all = [draw(1, [5, 12]), draw(2, [5, 12]), draw(3, [12])];
  const [x, r, g] = all as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
  for (const trained of [all, [x], [r], [x, r]]) {
    const gradients = (fused: Fused) =>
      tf.engine().gradients(() => use(fused, x, r, g) as tf.Scalar, trained, undefined, true);
    const [want, got] = [gradients(plain), gradients((x, r, g) => addRmsNorm(x, r, g, eps))];
    expect(relativeError(await got.value.data(), await want.value.data())).toBeLessThan(2e-5);
    // Where the meaning has none, as g where the norm is not used, tfjs leaves a hole.
    for (const [i, gradient] of (want.grads as (tf.Tensor | undefined)[]).entries()) {
      if (!gradient) continue;
      expect(relativeError((await got.grads[i]?.data()) ?? [], await gradient.data())).toBeLessThan(5e-5);
    }
    tf.dispose([want, got]);
  }
  tf.dispose(all);
  expect(deviceMemory().tensors).toBe(before);
});

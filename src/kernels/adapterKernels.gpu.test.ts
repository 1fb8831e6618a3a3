/** @file What the adapters' kernels promise to the last bit, on both backends: they start as the identity, and zero is zero. */

import { beforeAll, describe, expect, it } from "vitest";
import { openDevice } from "./device";
import { headGate } from "./headGate";
import { maskRows } from "./maskRows";
import { relu } from "./relu";
import { scaleColumns } from "./scaleColumns";
import { tf } from "./tf";

const [N, H, D] = [37, 3, 17];
/** Numbers of every size, as a seed gives them. */
const draw = () =>
  tf.mul<tf.Tensor2D>(
    tf.randomNormal([N, H * D], 0, 1, "float32", 5),
    tf.exp(tf.randomNormal([N, 1], 0, 9, "float32", 6)),
  );
/** The largest distance of a tensor's numbers from these; NaN where one is NaN. */
async function distance(x: tf.Tensor | undefined, wanted: number[]): Promise<number> {
  const values = Array.from((await x?.data()) ?? []);
  return Math.max(...wanted.map((want, i) => Math.abs((values[i] ?? Number.NaN) - want)));
}

describe.each(["wasm", "webgpu"] as const)("%s", (backend) => {
  beforeAll(async () => {
    expect((await openDevice(backend)).backend).toBe(backend);
  });

  it("a gate of 0 with the factor 2 passes every bit, forward and backward; other gates do not", async () => {
    const y = draw();
    const dy = draw();
    const bits = async (x: tf.Tensor | undefined) =>
      new Uint32Array((await x?.data<"float32">())?.slice().buffer ?? []);
    for (const [z, isSame] of [
      [0, true],
      [-0, true],
      [1e-3, false],
    ] as const) {
      const { value, grads } = tf.engine().gradients(() => headGate(y, tf.fill([N, H], z), 2), [y], dy);
      for (const [got, from] of [
        [value, y],
        [grads[0], dy],
      ] as const) {
        const [a, b] = [await bits(got), await bits(from)];
        expect(a.length === b.length && a.every((word, i) => word === b[i])).toBe(isSame);
      }
    }
  });

  it("a gate far from 0 is shut or wide open, with no derivative, and never NaN", async () => {
    const y = tf.ones<tf.Rank.R2>([2, 4]);
    const z = tf.tensor2d([-1000, 1000, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY], [2, 2]);
    const { value, grads } = tf.engine().gradients(() => headGate(y, z, 2), [z], tf.ones([2, 4]));
    expect(await distance(value, [0, 0, 2, 2, 0, 0, 2, 2])).toBeLessThan(1e-6);
    expect(await distance(grads[0], [0, 0, 0, 0])).toBeLessThan(1e-6);
  });

  it("scales of 1 pass every bit", async () => {
    const x = draw();
    expect(await scaleColumns(x, tf.ones([H * D])).data()).toEqual(await x.data());
  });

  it("a masked row is zero whatever it held", async () => {
    const x = tf.tensor2d([1, 2, Number.NaN, Number.POSITIVE_INFINITY, 5, 6], [3, 2]);
    const y = maskRows(x, tf.tensor1d([1, 0, -3], "int32"));
    expect(Array.from(await y.data())).toEqual([1, 2, 0, 0, 5, 6]);
  });

  it("ReLU leaves NaN what it is, and has no derivative at 0", async () => {
    const x = tf.tensor1d([-1, 0, 2, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    const { value, grads } = tf.engine().gradients(() => relu(x), [x], tf.fill([6], 7));
    expect(Array.from(await value.data())).toEqual([0, 0, 2, Number.NaN, 0, Number.POSITIVE_INFINITY]);
    const dx = Array.from((await grads[0]?.data()) ?? []);
    expect(dx.toSpliced(3, 1)).toEqual([0, 0, 7, 0, 7]);
  });
});

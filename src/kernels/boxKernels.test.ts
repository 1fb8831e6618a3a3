/** @file Slices, splits and padding by runs are tfjs' own, number for number. */

import { afterAll, expect, test } from "vitest";
import { deviceMemory, openDevice } from "./device";
import { tf } from "./tf";

const shape: [number, number, number, number] = [2, 3, 4, 5];
const x = Float32Array.from({ length: 120 }, (_, i) => i - 60);
const make = () => tf.tensor4d(x, shape);

const works: Record<string, () => tf.Tensor[]> = {
  "a slice of the last axis": () => [tf.slice(make(), [0, 0, 0, 1], [2, 3, 4, 3])],
  "a slice of an axis in the middle": () => [tf.slice(make(), [0, 1, 0, 0], [2, 2, 4, 5])],
  "a slice of every axis": () => [tf.slice(make(), [1, 1, 2, 2], [1, 2, 1, 3])],
  "a slice of all": () => [tf.slice(make(), [0, 0, 0, 0], [2, 3, 4, 5])],
  "the rest of an axis": () => [tf.slice(make(), [0, 0, 3], [-1, -1, -1])],
  "a slice of nothing": () => [tf.slice(make(), [0, 0, 0, 0], [2, 0, 4, 5])],
  "a slice of a vector": () => [tf.slice(tf.tensor1d(x), [7], [11])],
  "a slice of whole numbers": () => [tf.slice(tf.tensor2d(Int32Array.from(x), [12, 10], "int32"), [3, 2], [4, 5])],
  "a slice of truths": () => [tf.slice(tf.tensor2d([1, 0, 1, 1], [2, 2], "bool"), [0, 1], [2, 1])],
  "a split in equal parts": () => tf.split(make(), 2, 2),
  "a split with a rest": () => tf.split(make(), [2, -1], 1),
  "a split by sizes, from behind": () => tf.split(make(), [1, 4], -1),
  "padding before and behind": () => [
    tf.pad(make(), [
      [0, 0],
      [1, 2],
      [0, 0],
      [3, 0],
    ]),
  ],
  "padding of no zeros": () => [
    tf.pad(
      tf.tensor2d(x, [12, 10]),
      [
        [1, 0],
        [0, 0],
      ],
      -7,
    ),
  ],
};

/** Of every work, its tensors' shapes, types and numbers. */
async function results() {
  const found: Record<string, unknown> = {};
  for (const [name, work] of Object.entries(works)) {
    const tensors = tf.tidy(work);
    found[name] = await Promise.all(tensors.map(async (each) => [each.shape, each.dtype, [...(await each.data())]]));
    tf.dispose(tensors);
  }
  return found;
}

afterAll(async () => {
  await openDevice("wasm");
});

test("every box is tfjs' own", async () => {
  await openDevice("cpu");
  const plain = await results();
  await openDevice("wasm");
  const before = deviceMemory();
  expect(await results()).toEqual(plain);
  expect(deviceMemory()).toEqual(before);
});

test("a slice that reaches beyond its tensor is refused", async () => {
  await openDevice("wasm");
  expect(() => tf.tidy(() => tf.slice(make(), [0, 0, 0, 3], [2, 3, 4, 3]))).toThrow(/beyond/);
});

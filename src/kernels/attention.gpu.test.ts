/** @file Attention over documents packed in a row, where whole tiles are skipped, against its meaning in plain JavaScript. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newRandom } from "../core/random";
import { attention } from "./attention";
import { attend } from "./attentionReference";
import { deviceMemory, openDevice } from "./device";
import { relativeError } from "./kernelCases";
import { loadStockGradients, tf } from "./tf";

const heads = { heads: 5, keyValueHeads: 1 };
const D = 32;
/** [document, tokens] of each row; padding is document 0. */
const rows: Record<string, [document: number, tokens: number][][]> = {
  "documents of a tile and less, then padding": [
    [
      [1, 20],
      [2, 44],
      [3, 33],
      [0, 23],
    ],
  ], // prettier-ignore
  "a row of padding beside a full one": [[[0, 70]], [[1, 70]]],
  "documents that come back": [
    [
      [2, 40],
      [1, 40],
      [2, 40],
    ],
  ],
};

const names = Object.keys(rows);
type Values = { y: ArrayLike<number>; dqkv: ArrayLike<number> };

async function run(name: string, attendTo: (qkv: tf.Tensor4D, segments: tf.Tensor1D) => tf.Tensor2D): Promise<Values> {
  const documents = rows[name]!.map((row) => row.flatMap(([id, tokens]) => Array.from({ length: tokens }, () => id)));
  const [B, T] = [documents.length, documents[0]!.length];
  const random = newRandom(5);
  const numbers = Float32Array.from({ length: B * (5 + 2) * T * D }, () => random.normal());
  const qkv = tf.tensor4d(numbers, [B, 5 + 2, T, D]);
  const segments = tf.tensor1d(documents.flat(), "int32");
  const dy = tf.tensor2d(
    numbers.subarray(0, B * T * 5 * D).map((x) => Math.cos(3 * x)),
    [B * T, 5 * D],
  );
  const { value, grads } = tf.engine().gradients(() => attendTo(qkv, segments), [qkv], dy);
  const read = { y: await value.data(), dqkv: await grads[0]!.data() };
  tf.dispose([qkv, segments, dy, value, grads]);
  return read;
}

describe("packed documents", () => {
  const expected = new Map<string, Values>();
  let before = 0;
  beforeAll(async () => {
    await loadStockGradients();
    await openDevice("cpu");
    const meaning = (qkv: tf.Tensor4D, segments: tf.Tensor1D) => attend({ qkv, segments }, heads)[0];
    for (const name of names) expected.set(name, await run(name, meaning));
    await openDevice("webgpu");
    before = deviceMemory().tensors;
  });
  afterAll(() => {
    expect(deviceMemory().tensors).toBe(before);
  });
  it.each(names)("%s", async (name) => {
    const { y, dqkv } = await run(name, (qkv, segments) => attention(qkv, segments, heads));
    expect(relativeError(y, expected.get(name)!.y)).toBeLessThan(2e-5);
    expect(relativeError(dqkv, expected.get(name)!.dqkv)).toBeLessThan(5e-5);
  });
});

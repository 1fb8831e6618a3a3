/** @file Marks of the tokens that carry logic, in Node: on WebAssembly, where threads make no difference. */

import { expect, it } from "vitest";
import { newRandom } from "../core/random";
import { attention } from "./attention";
import { testMarks } from "./attentionMarkedCases";
import { openDevice } from "./device";
import { tf } from "./tf";

testMarks("cpu");
testMarks("wasm");

it("dλ is the same to the last bit whatever the number of threads", async () => {
  const [B, T, D] = [6, 70, 32];
  const random = newRandom(9);
  const numbers = Float32Array.from({ length: B * 8 * T * D }, () => random.normal());
  const found: ArrayLike<number>[] = [];
  for (const threads of [1, 2, 3]) {
    const device = await openDevice("wasm", { threads });
    expect(device.threads).toBeLessThanOrEqual(threads);
    const grads = tf.tidy(() => {
      const qkv = tf.tensor4d(numbers, [B, 8, T, D]);
      const marked = tf.tensor1d(
        Int32Array.from({ length: B * T }, (_, i) => (i % 3) & 1),
        "int32",
      );
      const bias = tf.tensor1d([1, -1, 0.5, 2]);
      const segments = tf.zeros<tf.Rank.R1>([B * T], "int32");
      const dy = tf.tensor2d(numbers.subarray(0, B * T * 4 * D), [B * T, 4 * D]);
      const marks = { marked, bias, isHard: false };
      const run = () => attention(qkv, segments, { heads: 4, keyValueHeads: 2 }, marks);
      return tf.engine().gradients(run, [qkv, bias], dy).grads;
    });
    found.push((await Promise.all(grads.map((x) => x.data()))).flatMap((x) => Array.from(x)));
    tf.dispose(grads);
  }
  expect(found[1]).toEqual(found[0]);
  expect(found[2]).toEqual(found[0]);
});

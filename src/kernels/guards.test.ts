/** @file The guards of the kernel tests on WebAssembly: they see what is written around a tensor. */

import { expect, it } from "vitest";
import { openDevice, wasmBackend } from "./device";
import { valuesOf } from "./flat";
import { newGuards } from "./guards";
import { tf } from "./tf";

it("guards see one number written past the end, or before the start", async () => {
  await openDevice("wasm");
  const used = wasmBackend()?.heapBytes().used;
  const guards = newGuards();
  const x = tf.tensor1d([1, 2, 3, 4, 5]);
  const { buffer, byteOffset } = valuesOf(x);
  const around = new Float32Array(buffer, byteOffset - 4, 7);
  expect(Array.from(around)).toEqual([Number.NaN, 1, 2, 3, 4, 5, Number.NaN]);
  expect(await guards.check()).toEqual([]);
  const saved = new Uint32Array(buffer, byteOffset - 4, 7).slice();
  around[0] = 0;
  around[6] = 0;
  expect(await guards.check()).toEqual([-1, 5].map((at) => ({ size: 5, at })));
  new Uint32Array(buffer, byteOffset - 4, 7).set(saved);
  around[6] = 0;
  x.dispose();
  expect(await guards.check()).toEqual([{ size: 5, at: 5 }]);
  guards.remove();
  expect(wasmBackend()?.heapBytes().used).toBe(used);
});

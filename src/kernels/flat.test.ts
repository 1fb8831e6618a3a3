/** @file Flat parameters in Node: on threaded WebAssembly, where no memory may be left over, and plain JavaScript. */

import { expect, it } from "vitest";
import { openDevice, wasmBackend } from "./device";
import { disposeFlat, newFlat } from "./flat";
import { testFlat } from "./flatCases";

testFlat("cpu");
testFlat("wasm");

it("a view's memory is freed with the whole, once", async () => {
  await openDevice("wasm");
  const used = () => wasmBackend()?.heapBytes().used;
  const before = used();
  const flat = newFlat(new Map([["a", { shape: [100], values: new Float32Array(100).fill(2) }]]));
  expect(used()).toBe((before ?? 0) + 512);
  disposeFlat(flat);
  expect(used()).toBe(before);
});

/** @file The committed binary belongs to its sources. */

import { expect, it } from "vitest";
import { sourceHash } from "./binary";
import { sourceHash as hashNow } from "./build.mjs";
import { compileKernels, functions } from "./module";

it("was made from the sources beside it: else run `node src/kernels/wasm/build.mjs`", () => {
  expect(sourceHash).toBe(hashNow());
});

it("holds no data and no memory of its own, so that it can work inside another's", async () => {
  for (const shared of [true, false]) {
    const { module } = await compileKernels(shared);
    expect(WebAssembly.Module.imports(module)).toEqual([{ kind: "memory", module: "env", name: "memory" }]);
    expect(WebAssembly.Module.exports(module)).toEqual([{ kind: "function", name: "run" }]);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared });
    new WebAssembly.Instance(module, { env: { memory } });
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  }
  expect(new Set(functions).size).toBe(functions.length);
});

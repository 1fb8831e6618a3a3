/** @file Which device is opened in Node, and what is said of it. */

import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { textOf } from "../core/say";
import { openDevice, wasmBackend } from "./device";
import { tf } from "./tf";

describe("openDevice", () => {
  it("takes WebAssembly where there is no WebGPU, with as many threads as it says", async () => {
    const device = await openDevice("auto");
    expect(device).toMatchObject({ backend: "wasm", software: false, adapter: "" });
    expect(device.threads).toBe(Math.min(availableParallelism(), 8));
    expect(textOf(device.reason)).toBe("This host has no WebGPU. WebAssembly is next.");
    expect(tf.getBackend()).toBe("wasm");
    expect(wasmBackend()?.threads).toBe(device.threads);
  });

  it("throws where WebGPU was chosen and is not there", async () => {
    await expect(openDevice("webgpu")).rejects.toMatchObject({ code: "gpu.unavailable" });
  });

  it("opens what is chosen, and again", async () => {
    for (const choice of ["cpu", "wasm", "cpu", "wasm"] as const) {
      expect((await openDevice(choice)).backend).toBe(choice);
      const sum = tf.add(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]));
      expect(Array.from(await sum.data())).toEqual([4, 6]);
    }
  });
});

describe("memory of the CPU path", () => {
  it("is each tensor's own: neither what was given nor a slice of another is shared", async () => {
    await openDevice("wasm");
    const given = Float32Array.from([1, 2, 3, 4]);
    const x = tf.tensor1d(given);
    given.fill(9);
    const part = tf.slice1d(x, 1, 2);
    x.dispose();
    const other = tf.tensor1d([7, 7, 7, 7]);
    expect(Array.from(await part.data())).toEqual([2, 3]);
    const before = wasmBackend()?.heapBytes().used ?? 0;
    tf.dispose([part, other]);
    expect(before - (wasmBackend()?.heapBytes().used ?? 0)).toBe(128);
  });
});

/** @file The device in a real browser: which is preferred, and that a failed kernel is told, not hidden. */

import { expect, it } from "vitest";
import { textOf } from "../core/say";
import { openDevice } from "./device";
import { defineKernel } from "./kernel";
import { tf } from "./tf";

it("prefers WebAssembly to a graphics adapter that computes on the CPU", async () => {
  const device = await openDevice("auto");
  expect(device).toMatchObject({ backend: "wasm", software: false });
  expect(textOf(device.reason)).toContain("computes on the CPU");
  expect(crossOriginIsolated).toBe(true);
});

it("knows a software adapter, and says which it is", async () => {
  const device = await openDevice("webgpu");
  expect(device).toMatchObject({ backend: "webgpu", software: true, threads: 1 });
  expect(device.adapter.toLowerCase()).toContain("swiftshader");
  expect(device.maxBufferBytes).toBeGreaterThanOrEqual(128 * 2 ** 20);
});

it("tells of a kernel that fails, and can be opened anew", async () => {
  const broken = defineKernel({
    name: "BrokenOnPurpose",
    inputs: ["x"],
    reference: ({ x }: { x: tf.Tensor }) => tf.clone(x),
    gpu: ({ x }) => ({ outputShape: x.shape, workgroups: [1, 1, 1], wgsl: () => "fn main() { result[0] = x[0] + ; }" }),
    cases: [],
  });
  const device = await openDevice("webgpu");
  const y = broken({ x: tf.tensor1d([1]) }, {});
  await y.data().catch(() => undefined);
  expect(await device.lost).toMatchObject({ code: "gpu.failed" });
  await openDevice("webgpu");
  const sum = tf.add(tf.tensor1d([1]), tf.tensor1d([2]));
  expect(Array.from(await sum.data())).toEqual([3]);
});

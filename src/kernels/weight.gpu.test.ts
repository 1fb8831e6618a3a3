/** @file Weights larger than a chunk arrive whole on the device, and one larger than a buffer may be is refused. */

import { expect, it } from "vitest";
import { type Device, deviceMemory, openDevice, trimMemory } from "./device";
import { tf } from "./tf";
import { newWeight, openWeight } from "./weight";

let failure: Error | undefined;
async function open(): Promise<void> {
  const device: Device = await openDevice("webgpu");
  void device.lost.then((error) => {
    failure = error;
  });
}

it("writes every chunk to its place", async () => {
  await open();
  const before = deviceMemory();
  const shape: [number, number] = [3000, 3001]; // 36 MB, and no border of a chunk is one of a row
  const values = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => i % 65_521);
  const weight = newWeight(values, shape);
  const read = await weight.values.data();
  let wrong = 0;
  values.forEach((value, i) => {
    if (read[i] !== value) wrong++;
  });
  expect(wrong).toBe(0);
  weight.values.dispose();
  expect(deviceMemory()).toEqual(before);
  trimMemory();
  expect(failure).toBeUndefined();
});

it("refuses what no buffer holds, before anything is recorded", async () => {
  await open();
  const { device } = tf.backend() as unknown as { device: GPUDevice };
  const most = device.limits.maxStorageBufferBindingSize;
  expect(() => openWeight([most / 4 + 1, 1], "f32")).toThrow(expect.objectContaining({ code: "memory.full" }));
  expect(failure).toBeUndefined();
});

/** @file What a training step costs a graphics card: dispatches, submits, and memory that stays flat over many steps. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import type { Batch } from "../core/batch";
import { tensorShapes } from "../core/tensorNames";
import { deviceMemory, openDevice } from "../kernels/device";
import { tf } from "../kernels/tf";
import { disposeAdapter, newAdapter } from "./adapter";
import { disposeLlama, loadLlama } from "./llama";
import { tinyConfig } from "./tinyLlama";
import { disposeOptimizer, newOptimizer, trainStep } from "./training";

const lora = newMethod("lora", { rank: 2, alpha: 4 });
const settings = { learningRate: 0.01, maxGradNorm: 1, dropoutSeed: 1 };
const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

function newBatch(rows: number, length: number): Batch {
  const size = rows * length;
  return {
    rows,
    length,
    tokens: Int32Array.from({ length: size }, (_, i) => i % tinyConfig.vocabSize),
    targets: Int32Array.from({ length: size }, (_, i) => (i + 1) % tinyConfig.vocabSize),
    weights: new Float32Array(size).fill(1),
    positions: Int32Array.from({ length: size }, (_, i) => i % length),
    segments: new Int32Array(size).fill(1),
    trained: size,
  };
}

async function newTraining(layers: number) {
  const config = { ...tinyConfig, layers };
  const weights = [...tensorShapes(config)].map(([name, shape]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i) / 8);
    return [name, { shape, values }] as const;
  });
  const llama = loadLlama(config, new Map(weights));
  const adapter = await newAdapter(llama, [lora], 1);
  const optimizer = newOptimizer(adapter, adam);
  const step = (batch: Batch, recompute: boolean) =>
    trainStep(llama, adapter, optimizer, [batch], { ...settings, recompute });
  const dispose = () => {
    disposeOptimizer(optimizer);
    disposeAdapter(adapter);
    disposeLlama(llama);
  };
  return { step, dispose };
}

const counts = { dispatches: 0, submits: 0 };
beforeEach(async () => {
  await openDevice("webgpu");
  const { prototype: pass } = GPUComputePassEncoder;
  const { prototype: queue } = GPUQueue;
  const dispatch = pass.dispatchWorkgroups; // eslint-disable-line @typescript-eslint/unbound-method -- called with its own this
  const submit = queue.submit; // eslint-disable-line @typescript-eslint/unbound-method -- called with its own this
  vi.spyOn(pass, "dispatchWorkgroups").mockImplementation(function (this: GPUComputePassEncoder, ...groups) {
    counts.dispatches++;
    dispatch.apply(this, groups);
  });
  vi.spyOn(queue, "submit").mockImplementation(function (this: GPUQueue, ...buffers) {
    counts.submits++;
    submit.apply(this, buffers);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function costOf(layers: number, recompute: boolean): Promise<typeof counts> {
  const { step, dispose } = await newTraining(layers);
  const batch = newBatch(2, 16);
  await step(batch, recompute);
  Object.assign(counts, { dispatches: 0, submits: 0 });
  await step(batch, recompute);
  dispose();
  return { ...counts };
}

it("takes 37 dispatches a layer forward and backward, 51 where activations are made again", async () => {
  const layer = async (recompute: boolean) =>
    (await costOf(4, recompute)).dispatches - (await costOf(3, recompute)).dispatches;
  expect([await layer(false), await layer(true)]).toEqual([37, 51]);
});

it("takes eight submits at most for thirty layers, whether activations are made again or not", async () => {
  for (const recompute of [false, true]) {
    const { dispatches, submits } = await costOf(30, recompute);
    expect(dispatches).toBeGreaterThan(900);
    expect(submits).toBeLessThanOrEqual(8);
  }
});

it("keeps tensors and bytes flat over steps of many lengths", async () => {
  const { step, dispose } = await newTraining(1);
  const allocated = () => (tf.memory() as unknown as { numBytesAllocatedInGPU: number }).numBytesAllocatedInGPU;
  const after: { tensors: number; bytes: number }[] = [];
  const most = [0, 0]; // allocated, in the first half of the steps and in the second: freed buffers wait to be used again
  for (let i = 0; i < 96; i++) {
    await step(newBatch(1 + (i % 3), 8 + ((i * 7) % 16)), false);
    after.push(deviceMemory());
    const half = i < 48 ? 0 : 1; // 48 steps have every pair of rows and length
    most[half] = Math.max(most[half] ?? 0, allocated());
  }
  expect(new Set(after.map(({ tensors, bytes }) => `${tensors} ${bytes}`)).size).toBe(1);
  expect(most[1]).toBeLessThanOrEqual(1.05 * (most[0] ?? 0));
  dispose();
});

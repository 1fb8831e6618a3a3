/** @file Training steps: flat memory, the same bits again, resuming, dropout, and chat in between. */

import { beforeAll, describe, expect, it, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import type { Batch } from "../core/batch";
import { StudioError } from "../core/errors";
import { type ModelConfig, plainDecoder } from "../core/model";
import { newRandom } from "../core/random";
import { tensorShapes } from "../core/tensorNames";
import { deviceMemory, openDevice, wasmBackend } from "../kernels/device";
import { tf } from "../kernels/tf";
import { disposeAdapter, loadAdapter, newAdapter, readAdapter } from "./adapter";
import type { Adapter } from "./adapterParts";
import { generate } from "./generation";
import { disposeLlama, type Llama, loadLlama } from "./llama";
import { disposeOptimizer, evaluateLoss, loadOptimizer, newOptimizer, readOptimizer, trainStep } from "./training";

const config: ModelConfig = {
  ...plainDecoder,
  vocabSize: 30,
  hiddenSize: 24,
  intermediateSize: 40,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headDim: 12,
  maxPositions: 32,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  bosTokenId: 0,
  eosTokenIds: [1],
};
const lora = newMethod("lora", { rank: 4, alpha: 8 });
const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
const step = { learningRate: 0.01, maxGradNorm: 1 };

function newLlama(layers = config.layers): Llama {
  const random = newRandom(5);
  const deep = { ...config, layers };
  const tensors = [...tensorShapes(deep)].map(([name, shape]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length }, () => (shape.length === 1 ? 1 : random.normal() * 0.2));
    return [name, { shape, values }] as const;
  });
  return loadLlama(deep, new Map(tensors));
}

/** Rows that count up from anywhere: something to learn. */
function newBatch(seed: number, rows = 4, length = 12): Batch {
  const random = newRandom(seed);
  const starts = Array.from({ length: rows }, () => random.below(config.vocabSize));
  const at = (i: number) => ((starts[Math.floor(i / length)] ?? 0) + (i % length)) % config.vocabSize;
  const tokens = Int32Array.from({ length: rows * length }, (_, i) => at(i));
  const weights = Float32Array.from(tokens, (_, i) => (i % length > 2 && i % length < length - 1 ? 1 : 0));
  return {
    rows,
    length,
    tokens,
    targets: tokens.map((_, i) => at(i + 1)),
    weights,
    positions: tokens.map((_, i) => i % length),
    segments: tokens.map(() => 1),
    trained: weights.reduce((a, b) => a + b, 0),
  };
}

async function train(
  llama: Llama,
  adapter: Adapter,
  steps: number,
  from = 0,
  optimizer = newOptimizer(adapter, settings),
  lengthOf = (_: number) => 12,
) {
  const losses: number[] = [];
  for (let i = from; i < from + steps; i++) {
    const { loss } = await trainStep(llama, adapter, optimizer, [newBatch(i, 4, lengthOf(i))], {
      ...step,
      dropoutSeed: i,
    });
    losses.push(loss);
  }
  return { losses, optimizer };
}

describe.each(["wasm", "cpu"] as const)("on %s", (backend) => {
  let llama: Llama;
  beforeAll(async () => {
    await openDevice(backend);
    llama = newLlama();
    return () => disposeLlama(llama);
  });

  it("learns, and tensors and bytes stay flat", async () => {
    const empty = deviceMemory();
    const adapter = await newAdapter(llama, [{ ...lora, dropout: 0.1 }], 1);
    const lengthOf = (i: number) => 12 + (i % 3);
    const { losses, optimizer } = await train(llama, adapter, 3, 0, newOptimizer(adapter, settings), lengthOf);
    const early = deviceMemory();
    const heap = wasmBackend()?.heapBytes();
    const steps = backend === "cpu" ? 6 : 2000; // plain JavaScript is slow, and as flat after six
    const rest = await train(llama, adapter, steps, 3, optimizer, lengthOf);
    expect(rest.losses.at(-1)).toBeLessThan((backend === "cpu" ? 0.95 : 0.3) * losses[0]!);
    expect(deviceMemory()).toEqual(early);
    expect(wasmBackend()?.heapBytes()).toEqual(heap);
    disposeOptimizer(optimizer);
    disposeAdapter(adapter);
    expect(deviceMemory()).toEqual(empty);
  });

  it("gives the same bits when activations are made again, and needs less memory", async () => {
    const llama = newLlama(6); // deep enough that the blocks' activations are most of what is kept
    const measure = async (recompute: boolean) => {
      const adapter = await newAdapter(llama, [{ ...lora, dropout: 0.1 }], 1);
      const optimizer = newOptimizer(adapter, settings);
      const steps: { loss: number; gradNorm: number }[] = [];
      let peak = 0;
      const before = deviceMemory().bytes;
      const engine = tf.engine();
      const { trackTensor: track } = Object.getPrototypeOf(engine) as { trackTensor: (...args: unknown[]) => void };
      const watch = vi.spyOn(engine, "trackTensor").mockImplementation((...args: unknown[]) => {
        track.apply(engine, args);
        peak = Math.max(peak, deviceMemory().bytes - before);
      });
      for (let i = 0; i < 3; i++) {
        steps.push(
          await trainStep(llama, adapter, optimizer, [newBatch(i, 8, 24)], { ...step, dropoutSeed: i, recompute }),
        );
      }
      watch.mockRestore();
      const { bytes } = deviceMemory();
      disposeOptimizer(optimizer);
      disposeAdapter(adapter);
      expect(bytes).toBe(before);
      return { steps, peak };
    };
    const [kept, again] = [await measure(false), await measure(true)];
    expect(again.steps).toEqual(kept.steps);
    expect(again.peak).toBeLessThan(0.6 * kept.peak);
    disposeLlama(llama);
  });

  it("gives the same bits again, and others with another seed", async () => {
    const run = async (seed: number, dropout: number) => {
      const adapter = await newAdapter(llama, [{ ...lora, dropout }], seed);
      const { losses, optimizer } = await train(llama, adapter, 4);
      disposeOptimizer(optimizer);
      disposeAdapter(adapter);
      return losses;
    };
    expect(await run(1, 0.2)).toEqual(await run(1, 0.2));
    expect(await run(1, 0.2)).not.toEqual(await run(2, 0.2));
    expect(await run(1, 0.2)).not.toEqual(await run(1, 0));
  });

  it("goes on from a checkpoint as if it had never stopped", async () => {
    const whole = await newAdapter(llama, [lora], 3);
    const { losses } = await train(llama, whole, 6);
    const first = await newAdapter(llama, [lora], 3);
    const { optimizer } = await train(llama, first, 3);
    const saved = { adapter: await readAdapter(first), moments: await readOptimizer(optimizer), step: optimizer.step };
    const resumed = loadAdapter(llama, [lora], saved.adapter);
    const rest = await train(llama, resumed, 3, 3, loadOptimizer(resumed, settings, saved.moments, saved.step));
    expect(rest.losses).toEqual(losses.slice(3));
  });

  it("is not disturbed by a chat in the middle of a step", async () => {
    const alone = await newAdapter(llama, [lora], 4);
    const { losses } = await train(llama, alone, 3);
    const adapter = await newAdapter(llama, [lora], 4);
    const sampling = { temperature: 0.8, topK: 0, topP: 1, minP: 0, seed: 1 };
    const chat = generate(llama, adapter, { prompts: [[3, 4], [9]], maxTokens: 20, sampling, stopIds: [] });
    const optimizer = newOptimizer(adapter, settings);
    const mixed: number[] = [];
    for (let i = 0; i < 3; i++) {
      const running = trainStep(llama, adapter, optimizer, [newBatch(i)], { ...step, dropoutSeed: i });
      await chat.next(); // while the step waits for its numbers
      mixed.push((await running).loss);
      await chat.next();
    }
    await chat.return([]);
    expect(mixed).toEqual(losses);
  });

  it("adds up the losses it evaluates, with nothing trained as well", async () => {
    const { sum, trained } = await evaluateLoss(llama, null, newBatch(1));
    expect(trained).toBe(newBatch(1).trained);
    expect(sum / trained).toBeGreaterThan(2);
    const untrained = { ...newBatch(1), trained: 0, weights: newBatch(1).weights.map(() => 0) };
    expect(await evaluateLoss(llama, null, untrained)).toEqual({ sum: 0, trained: 0 });
    const adapter = await newAdapter(llama, [lora], 1);
    const optimizer = newOptimizer(adapter, settings);
    await expect(trainStep(llama, adapter, optimizer, [untrained], { ...step, dropoutSeed: 1 })).rejects.toThrow(
      StudioError,
    );
  });
});

describe("on wasm", () => {
  it("gives the same bits with one thread and with two", async () => {
    const losses = [];
    for (const threads of [1, 2]) {
      const device = await openDevice("wasm", { threads });
      expect(device.threads).toBe(threads);
      const llama = newLlama();
      // Rows enough that every kernel wakes the threads.
      const adapter = await newAdapter(llama, [lora], 1);
      const optimizer = newOptimizer(adapter, settings);
      const results = [];
      for (let i = 0; i < 3; i++) {
        results.push(await trainStep(llama, adapter, optimizer, [newBatch(i, 64, 30)], { ...step, dropoutSeed: i }));
      }
      losses.push(results);
    }
    expect(losses[0]).toEqual(losses[1]);
  });
});

describe("weights that do not fit", () => {
  const tensors = () =>
    new Map(
      [...tensorShapes(config)].map(([name, shape]) => [
        name,
        { shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
      ]),
    );

  it("are refused by name and shape", () => {
    const missing = tensors();
    missing.delete("model.layers.1.mlp.up_proj.weight");
    expect(() => loadLlama(config, missing)).toThrow("model.layers.1.mlp.up_proj.weight is missing");
    const misshapen = tensors().set("model.norm.weight", { shape: [3], values: new Float32Array(3) });
    expect(() => loadLlama(config, misshapen)).toThrow("model.norm.weight is [3], expected [24]");
    const extra = tensors().set("model.layers.0.extra", { shape: [1], values: new Float32Array(1) });
    const llama = loadLlama(config, extra);
    expect(llama.unused).toEqual(["model.layers.0.extra"]);
    disposeLlama(llama);
  });

  it("are refused in an adapter too", async () => {
    const llama = newLlama();
    const adapter = await newAdapter(llama, [lora], 1);
    const saved = await readAdapter(adapter);
    const name = "model.layers.0.self_attn.q_proj.lora_A.weight";
    expect(() => loadAdapter(llama, [{ ...lora, rank: 8 }], saved)).toThrow(`${name} is [4, 24], expected [8, 24]`);
    expect(() => loadAdapter(llama, [{ ...lora, targetModules: ["q_proj"] }], saved)).toThrow(
      "is not a tensor of this",
    );
    saved.delete(name);
    expect(() => loadAdapter(llama, [lora], saved)).toThrow(`${name} is missing`);
    disposeAdapter(adapter);
  });
});

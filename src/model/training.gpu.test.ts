/** @file Ten steps of LoRA in a real browser, on WebGPU and on threaded WebAssembly, against PEFT's (the golden file). */

import { describe, expect, it } from "vitest";
import { newMethod } from "../core/adaptation";
import type { Batch } from "../core/batch";
import { parseModelConfig } from "../core/model";
import { deviceMemory, openDevice } from "../kernels/device";
import { loadAdapter } from "./adapter";
import { generate } from "./generation";
import golden from "./golden/tied.json";
import { loadLlama, type TensorData } from "./llama";
import { newOptimizer, trainStep } from "./training";

type Packed = { shape: number[]; f32: string };

function unpackAll(tensors: Record<string, Packed>): Map<string, TensorData> {
  return new Map(
    Object.entries(tensors).map(([name, { shape, f32 }]) => {
      const bytes = Uint8Array.from(atob(f32), (character) => character.charCodeAt(0));
      return [name, { shape, values: new Float32Array(bytes.buffer) }];
    }),
  );
}

/** One golden row of packed documents as a batch of its own. */
function batchOf(row: (typeof golden.rows)[number]): Batch {
  const tokens = row.flatMap((document) => document.tokens);
  const weights = Float32Array.from(row.flatMap((document) => [...document.weights, 0]));
  return {
    rows: 1,
    length: tokens.length,
    tokens: Int32Array.from(tokens),
    targets: Int32Array.from(row.flatMap((document) => [...document.tokens.slice(1), 0])),
    weights,
    positions: Int32Array.from(row.flatMap((document) => document.tokens.map((_, i) => i))),
    segments: Int32Array.from(row.flatMap((document, d) => document.tokens.map(() => d + 1))),
    trained: weights.reduce((a, b) => a + b, 0),
  };
}

describe.each(["wasm", "webgpu"] as const)("on %s", (backend) => {
  it("takes the same steps, stays flat, and goes on to the same tokens", async () => {
    const device = await openDevice(backend);
    let failure: Error | undefined;
    void device.lost.then((error) => {
      failure = error;
    });
    const config = parseModelConfig(golden.config);
    const { start, adamw, losses, norms, rank, alpha, dropout } = golden.lora;
    const llama = loadLlama(config, unpackAll(golden.weights));
    const lora = newMethod("lora", { rank, alpha, dropout });
    const adapter = loadAdapter(llama, [lora], unpackAll(start));
    const optimizer = newOptimizer(adapter, adamw);
    const window = golden.rows.map(batchOf);
    const memory = [];
    for (const [i, loss] of losses.entries()) {
      const step = await trainStep(llama, adapter, optimizer, window, { ...adamw, dropoutSeed: i });
      expect.soft(Math.abs(step.loss - loss) / loss, `loss ${i}`).toBeLessThan(1e-4);
      expect.soft(Math.abs(step.gradNorm - norms[i]!) / norms[i]!, `norm ${i}`).toBeLessThan(1e-4);
      memory.push(deviceMemory());
    }
    expect(memory.at(-1)).toEqual(memory[1]);
    const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };
    const prompts = [golden.sequence.slice(0, 4), golden.sequence];
    const steps = generate(llama, null, { prompts, maxTokens: golden.greedy.length, sampling, stopIds: [] });
    let next = await steps.next();
    while (!next.done) next = await steps.next();
    expect(next.value[0]).toEqual(golden.greedy);
    expect(failure).toBeUndefined();
  });
});

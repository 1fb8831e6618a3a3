/** @file The engine against transformers and PEFT (golden files of interop/parity), on both CPU backends. */

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { newMethod } from "../core/adaptation";
import { linearPath, stackNames, stacksOf } from "../core/adapter";
import { type ModelConfig, parseModelConfig } from "../core/model";
import { openDevice } from "../kernels/device";
import { relativeError } from "../kernels/kernelCases";
import { tf } from "../kernels/tf";
import { loadAdapter, readAdapter, splitNumbers } from "./adapter";
import { batchOf, type Document } from "./architectureGolden";
import { generate, logits } from "./generation";
import { disposeLlama, type Llama, llamaWeights, loadLlama, type TensorData } from "./llama";
import { evaluateLoss, lossGradients, newOptimizer, trainStep } from "./training";

type Packed = { shape: number[]; f32: string };
type Golden = {
  config: unknown;
  weights: Record<string, Packed>;
  rows: Document[][];
  sequence: number[];
  logits: Packed;
  loss: number;
  gradients: Record<string, Packed>;
  greedy: number[];
  lora: {
    rank: number;
    alpha: number;
    dropout: number;
    adamw: Record<"learningRate" | "beta1" | "beta2" | "epsilon" | "weightDecay" | "maxGradNorm", number>;
    start: Record<string, Packed>;
    gradients: Record<string, Packed>;
    losses: number[];
    norms: number[];
    end: Record<string, Packed>;
    endLogits: Packed;
  };
};

function unpack({ shape, f32 }: Packed): TensorData {
  const bytes = Uint8Array.from(Buffer.from(f32, "base64"));
  return { shape, values: new Float32Array(bytes.buffer) };
}
const unpackAll = (tensors: Record<string, Packed>) =>
  new Map(Object.entries(tensors).map(([name, packed]) => [name, unpack(packed)]));

const limit = 1e-4;

/** The layers whose weights lie in a stack, in order: `model.layers.0.qkv.weight` holds three. */
function namesOf(key: string): string[] {
  const [, layer, stack] = /^model\.layers\.(\d+)\.(\w+)\.weight$/.exec(key) ?? [];
  const of = stackNames.find((name) => name === stack);
  if (!of) return [key];
  return stacksOf({ architecture: "llama" })[of].map((name) => `${linearPath(Number(layer), name)}.weight`);
}

describe.each(["cpu", "wasm"] as const)("on %s", (backend) => {
  beforeAll(async () => {
    await openDevice(backend);
  });

  describe.each(["tied", "untied"])("%s", (name) => {
    const golden = JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8")) as Golden;
    const config: ModelConfig = parseModelConfig(golden.config);
    const { rank, alpha, dropout } = golden.lora;
    const lora = newMethod("lora", { rank, alpha, dropout });
    const batch = batchOf(golden.rows);
    let llama: Llama;
    beforeAll(() => {
      llama = loadLlama(config, unpackAll(golden.weights));
      return () => disposeLlama(llama);
    });

    it("gives the same logits", async () => {
      const got = await logits(llama, null, golden.sequence);
      expect(relativeError(got, unpack(golden.logits).values)).toBeLessThan(limit);
    });

    it("gives the same loss, packed and padded", async () => {
      const { sum, trained } = await evaluateLoss(llama, null, batch);
      expect(Math.abs(sum / trained - golden.loss)).toBeLessThan(limit * golden.loss);
    });

    it("gives the same gradient of every weight", async () => {
      const weights = llamaWeights(llama);
      const { losses, gradients } = lossGradients(llama, null, batch, [...weights.values()]);
      const seen = new Set<string>();
      for (const [i, key] of [...weights.keys()].entries()) {
        const names = namesOf(key);
        const want = names.flatMap((name) => Array.from(unpack(golden.gradients[name]!).values));
        expect.soft(relativeError(await gradients[i]!.data(), want), key).toBeLessThan(limit);
        for (const name of names) seen.add(name);
      }
      expect([...seen].sort()).toEqual(Object.keys(golden.gradients).sort());
      tf.dispose([losses, gradients]);
    });

    it("chooses the same tokens greedily, alone and among others", async () => {
      const prompt = golden.sequence.slice(0, 4);
      const prompts = [prompt, golden.sequence, prompt.slice(0, 1), prompt];
      const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };
      const steps = generate(llama, null, { prompts, maxTokens: golden.greedy.length, sampling, stopIds: [] });
      let step = await steps.next();
      while (!step.done) step = await steps.next();
      expect(step.value[0]).toEqual(golden.greedy);
      expect(step.value[3]).toEqual(golden.greedy);
    });

    it("takes the same ten steps of LoRA", async () => {
      const { start, gradients, losses, norms, end, endLogits, adamw } = golden.lora;
      const adapter = loadAdapter(llama, [lora], unpackAll(start));
      const weights = adapter.flat.parts;
      const first = lossGradients(llama, adapter, batch, [...weights.values()]);
      const numbers = new Map<string, Float32Array>();
      for (const [i, key] of [...weights.keys()].entries()) {
        numbers.set(key, (await first.gradients[i]!.data()) as Float32Array);
      }
      const named = splitNumbers(config, [lora], (key) => numbers.get(key));
      expect([...named.keys()].sort()).toEqual(Object.keys(gradients).sort());
      for (const [key, { values }] of named) {
        expect.soft(relativeError(values, unpack(gradients[key]!).values), key).toBeLessThan(limit);
      }
      tf.dispose([first.losses, first.gradients]);
      const optimizer = newOptimizer(adapter, adamw);
      for (const [i, loss] of losses.entries()) {
        // Every other step by accumulation, which must equal the big batch.
        const window = i % 2 ? golden.rows.map((row) => batchOf([row])) : [batch];
        const step = await trainStep(llama, adapter, optimizer, window, { ...adamw, dropoutSeed: i });
        expect.soft(Math.abs(step.loss - loss), `loss ${i}`).toBeLessThan(limit * loss);
        expect.soft(Math.abs(step.gradNorm - norms[i]!), `norm ${i}`).toBeLessThan(limit * norms[i]!);
      }
      for (const [key, { values }] of await readAdapter(adapter)) {
        expect.soft(relativeError(values, unpack(end[key]!).values), key).toBeLessThan(limit);
      }
      const after = await logits(llama, adapter, golden.sequence);
      expect(relativeError(after, unpack(endLogits).values)).toBeLessThan(limit);
    });
  });
});

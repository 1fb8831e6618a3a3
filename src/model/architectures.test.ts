/** @file Every architecture against transformers and PEFT (golden files of interop/architectureGoldens.py), on the CPU. */

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { countParameters, parseModelConfig, toHuggingFaceConfig } from "../core/model";
import { tensorShapes } from "../core/tensorNames";
import { deviceMemory, openDevice } from "../kernels/device";
import { relativeError } from "../kernels/kernelCases";
import { tf } from "../kernels/tf";
import { disposeAdapter, loadAdapter, splitNumbers } from "./adapter";
import { batchOf, type Golden, goldenNames, loraOf, readGolden, unpack, unpackAll } from "./architectureGolden";
import { generate, logits } from "./generation";
import { disposeLlama, type Llama } from "./llama";
import { lossGradients } from "./training";

const file = (name: string) => readFileSync(new URL(`golden/architectures/${name}`, import.meta.url));
const goldenOf = (name: string) => JSON.parse(file(`${name}.json`).toString()) as Golden;

const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };

async function complete(llama: Llama, prompts: number[][], maxTokens: number): Promise<number[][]> {
  const steps = generate(llama, null, { prompts, maxTokens, sampling: greedy, stopIds: [] });
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  return step.value;
}

/** The likeliest tokens one after another, with no cache. */
async function completeSlowly(llama: Llama, prompt: number[], maxTokens: number): Promise<number[]> {
  const tokens = [...prompt];
  for (let i = 0; i < maxTokens; i++) {
    const all = await logits(llama, null, tokens);
    const last = all.subarray(-llama.config.vocabSize);
    tokens.push(last.indexOf(Math.max(...last)));
  }
  return tokens.slice(prompt.length);
}

describe.each(goldenNames)("%s", (name) => {
  const golden = goldenOf(name);
  const config = parseModelConfig(golden.config);

  it("reads again the configuration that it writes, and counts its parameters", () => {
    expect(parseModelConfig(toHuggingFaceConfig(config, "float32"))).toEqual(config);
    const counted = [...tensorShapes(config).values()].reduce(
      (sum, shape) => sum + shape.reduce((product, n) => product * n, 1),
      0,
    );
    expect(countParameters(config)).toBe(counted);
  });

  describe.each(["cpu", "wasm"] as const)("on %s", (backend) => {
    let llama: Llama;
    beforeAll(async () => {
      await openDevice(backend);
      const before = deviceMemory().tensors;
      llama = await readGolden(golden, file(`${name}.safetensors`));
      return () => {
        disposeLlama(llama);
        expect(deviceMemory().tensors).toBe(before);
      };
    });

    it("gives the same logits", async () => {
      expect(llama.unused).toEqual([]);
      const got = await logits(llama, null, golden.sequence);
      const { values: want } = unpack(golden.logits);
      expect(Math.max(...got.map((value, i) => Math.abs(value - (want[i] ?? Number.NaN))))).toBeLessThan(1e-4);
    });

    it.each([false, true])("gives the same loss and gradients of LoRA, packed; made again: %s", async (recompute) => {
      const lora = loraOf(golden);
      const adapter = loadAdapter(llama, [lora], unpackAll(golden.lora.start));
      const weights = adapter.flat.parts;
      const { losses, gradients } = lossGradients(llama, adapter, batchOf(golden.rows), [...weights.values()], {
        recompute,
      });
      const loss = ((await losses.data()) as Float32Array).reduce((sum, each) => sum + each, 0);
      expect(Math.abs(loss - golden.lora.loss)).toBeLessThan(1e-4);
      const numbers = new Map<string, Float32Array>();
      for (const [i, key] of [...weights.keys()].entries()) {
        numbers.set(key, (await gradients[i]!.data()) as Float32Array);
      }
      const named = splitNumbers(config, [lora], (key) => numbers.get(key));
      expect([...named.keys()].sort()).toEqual(Object.keys(golden.lora.gradients).sort());
      for (const [key, { values }] of named) {
        expect.soft(relativeError(values, unpack(golden.lora.gradients[key]!).values), key).toBeLessThan(2e-4);
      }
      tf.dispose([losses, gradients]);
      disposeAdapter(adapter);
    });

    it("goes on greedily as transformers does, with the cache as without", async () => {
      const prompt = golden.sequence.slice(0, 9);
      // Long enough that windows leave the first tokens behind.
      const [first, second, third] = await complete(llama, [prompt, golden.sequence.slice(0, 5), prompt], 16);
      expect(first?.slice(0, golden.greedy.length)).toEqual(golden.greedy);
      expect(third).toEqual(first);
      expect(first).toEqual(await completeSlowly(llama, prompt, 16));
      expect(second).toEqual(await completeSlowly(llama, golden.sequence.slice(0, 5), 16));
    });
  });
});

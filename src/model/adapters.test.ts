/** @file Every method of adaptation: where it starts, its derivative, its way through files and through generation. */

import { beforeAll, describe, expect, it } from "vitest";
import { adaptationTensors, countTrained, newMethod } from "../core/adaptation";
import { deviceMemory, openDevice } from "../kernels/device";
import { tf } from "../kernels/tf";
import { disposeAdapter, loadAdapter, newAdapter, readAdapter, setProgress, splitNumbers } from "./adapter";
import { adaptations, batch, marks, sequence, stirred } from "./adapterCases";
import { generate, logits } from "./generation";
import { disposeLlama, type Llama } from "./llama";
import { newTinyLlama, tinyConfig } from "./tinyLlama";
import { disposeOptimizer, evaluateLoss, lossGradients, newOptimizer, trainStep } from "./training";

const difference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? Number.NaN))), 0);

describe.each(["wasm", "cpu"] as const)("on %s", (backend) => {
  let llama: Llama;
  beforeAll(async () => {
    await openDevice(backend);
    llama = newTinyLlama();
    return () => disposeLlama(llama);
  });

  describe.each(Object.entries(adaptations))("%s", (_, { adaptation, isIdentity }) => {
    it("starts where the base is, or says that it does not", async () => {
      const adapter = await newAdapter(llama, adaptation, 1);
      const base = await logits(llama, null, sequence);
      const own = await logits(llama, adapter, sequence, marks);
      if (isIdentity) expect(difference(own, base)).toBeLessThan(1e-5);
      else expect(difference(own, base)).toBeGreaterThan(1e-2);
      disposeAdapter(adapter);
    });

    it("has the tensors that its recipe says, and they come back as they went", async () => {
      const adapter = await stirred(llama, adaptation);
      const saved = await readAdapter(adapter);
      const shapes = [...saved].map(([name, { shape }]) => [name, shape]);
      expect(new Map(shapes as [string, number[]][])).toEqual(adaptationTensors(tinyConfig, adaptation));
      const count = [...saved.values()].reduce((sum, { values }) => sum + values.length, 0);
      expect(count).toBe(countTrained(tinyConfig, adaptation));
      const again = loadAdapter(llama, adaptation, saved);
      expect(await readAdapter(again)).toEqual(saved);
      expect(await logits(llama, again, sequence, marks)).toEqual(await logits(llama, adapter, sequence, marks));
      disposeAdapter(adapter);
      disposeAdapter(again);
    });

    it("has the derivative that its loss has", async () => {
      const adapter = await stirred(llama, adaptation);
      const saved = await readAdapter(adapter);
      const parts = [...adapter.flat.parts];
      const { losses, gradients } = lossGradients(
        llama,
        adapter,
        batch,
        parts.map(([, x]) => x),
        { total: 1 },
      );
      const read = new Map<string, Float32Array>();
      for (const [i, [name]] of parts.entries()) read.set(name, Float32Array.from(await gradients[i]!.data()));
      tf.dispose([losses, ...gradients]);
      disposeAdapter(adapter);
      const named = splitNumbers(tinyConfig, adaptation, (name) => read.get(name));
      const isDora = adaptation.some((method) => method.kind === "lora" && method.dora);
      for (const [name, { values: gradient }] of named) {
        // DoRA's norms are constants to its derivative, as in PEFT, but not to its loss: only its lengths can be held to that.
        if (isDora && !name.endsWith("magnitude_vector")) continue;
        // Along the gradient itself, where a step changes the loss most.
        const norm = Math.hypot(...gradient);
        if (norm < 1e-4) continue;
        const at = async (step: number) => {
          const moved = new Map(saved);
          const { shape, values } = saved.get(name)!;
          moved.set(name, { shape, values: values.map((x, i) => x + (step * gradient[i]!) / norm) });
          const there = loadAdapter(llama, adaptation, moved);
          const { sum } = await evaluateLoss(llama, there, batch);
          disposeAdapter(there);
          return sum;
        };
        const h = 4e-3;
        const slope = ((await at(h)) - (await at(-h))) / (2 * h);
        expect.soft(Math.abs(slope - norm) / norm, name).toBeLessThan(0.03);
      }
    });

    it("is generated with as it is trained: the cache gives what the whole pass gives", async () => {
      const adapter = await stirred(llama, adaptation);
      const table = Uint8Array.from({ length: tinyConfig.vocabSize }, (_, id) => (id % 2 === 0 ? 1 : 0));
      const prompts = [sequence.slice(0, 5), sequence.slice(2, 3)];
      const given = { prompts: [marks.slice(0, 5), marks.slice(2, 3)], table };
      const steps = generate(llama, adapter, {
        prompts,
        maxTokens: 6,
        sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 },
        stopIds: [],
        marks: given,
      });
      let next = await steps.next();
      while (!next.done) next = await steps.next();
      for (const [row, prompt] of prompts.entries()) {
        const tokens = [...prompt];
        const marked = [...given.prompts[row]!];
        for (const token of next.value[row]!) {
          const all = await logits(llama, adapter, tokens, Uint8Array.from(marked));
          const last = all.subarray((tokens.length - 1) * tinyConfig.vocabSize);
          expect(last[token]).toBeGreaterThan(Math.max(...last) - 1e-4);
          tokens.push(token);
          marked.push(table[token]!);
        }
      }
      disposeAdapter(adapter);
    });

    it("learns; made again or kept, the same bits; tensors stay flat", async () => {
      const before = deviceMemory().tensors;
      const run = async (recompute: boolean) => {
        const adapter = await newAdapter(llama, adaptation, 1);
        const optimizer = newOptimizer(adapter, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
        const losses: number[] = [];
        let tensors = 0;
        for (let step = 0; step < 8; step++) {
          const settings = { learningRate: 0.02, maxGradNorm: 1, dropoutSeed: step, recompute };
          losses.push((await trainStep(llama, adapter, optimizer, [batch], settings)).loss);
          if (step === 2) tensors = deviceMemory().tensors;
        }
        expect(deviceMemory().tensors).toBe(tensors);
        disposeOptimizer(optimizer);
        disposeAdapter(adapter);
        return losses;
      };
      const losses = await run(false);
      expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.005);
      expect(await run(true)).toEqual(losses);
      expect(deviceMemory().tensors).toBe(before);
    });
  });

  it("bottlenecks join in by stages, the last blocks first", async () => {
    const adaptation = [newMethod("bottleneck", { size: 4, stages: 2 })];
    const adapter = await newAdapter(llama, adaptation, 1);
    const optimizer = newOptimizer(adapter, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
    const changed = async () => {
      const start = await readAdapter(adapter);
      await trainStep(llama, adapter, optimizer, [batch], { learningRate: 0.1, maxGradNorm: 1, dropoutSeed: 1 });
      const end = await readAdapter(adapter);
      const isChanged = (layer: number) =>
        [...end].some(([name, { values }]) => {
          const isIts = name.startsWith(`model.layers.${layer}.`);
          return isIts && values.some((x, i) => x !== start.get(name)!.values[i]);
        });
      return [isChanged(0), isChanged(1)];
    };
    setProgress(adapter, 0);
    expect(await changed()).toEqual([false, true]);
    setProgress(adapter, 0.5);
    expect(await changed()).toEqual([true, true]);
    disposeOptimizer(optimizer);
    disposeAdapter(adapter);
  });
});

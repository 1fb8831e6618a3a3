/** @file Numbers of tokens against plain arithmetic, and their way back against differences and against the plain step. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newMethod } from "../core/adaptation";
import type { Batch } from "../core/batch";
import { newRandom } from "../core/random";
import { openDevice } from "../kernels/device";
import { tf } from "../kernels/tf";
import { disposeAdapter, loadAdapter, readAdapter, splitNumbers } from "./adapter";
import { stirred } from "./adapterCases";
import type { Adapter } from "./adapterParts";
import { logits } from "./generation";
import { disposeLlama, type Llama } from "./llama";
import { newTinyLlama, tinyConfig } from "./tinyLlama";
import { type TokenGradients, type TokenNumbers, throughTokens, tokenNumbers } from "./tokenNumbers";
import { disposeOptimizer, newOptimizer, type Optimizer, objectiveStep, trainStep } from "./training";

const prompt = 2;
const texts = [
  [3, 9, 12, 7, 28, 4],
  [5, 5, 17],
  [8, 2, 21, 13],
];

/** One text a row, trained behind its prompt. */
function newBatch(rows: number[][]): Batch {
  const length = Math.max(...rows.map((row) => row.length));
  const at = <T>(make: (row: number[], t: number) => T) =>
    rows.flatMap((row) => Array.from({ length }, (_, t) => make(row, t)));
  const weights = at((row, t) => (t + 1 >= prompt && t + 1 < row.length ? 1 : 0));
  return {
    rows: rows.length,
    length,
    tokens: Int32Array.from(at((row, t) => row[t] ?? 0)),
    targets: Int32Array.from(at((row, t) => row[t + 1] ?? 0)),
    weights: Float32Array.from(weights),
    positions: Int32Array.from(at((row, t) => (t < row.length ? t : 0))),
    segments: Int32Array.from(at((row, t) => (t < row.length ? 1 : 0))),
    trained: weights.reduce<number>((sum, weight) => sum + weight, 0),
  };
}

const batch = newBatch(texts);
const adaptation = [newMethod("lora", { rank: 3, alpha: 6 }), newMethod("head", { outputs: 2 })];
const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

describe.each(["wasm", "cpu"] as const)("on %s", (backend) => {
  let llama: Llama;
  let adapter: Adapter;
  beforeAll(async () => {
    await openDevice(backend);
    llama = newTinyLlama();
    adapter = await stirred(llama, adaptation);
  });
  afterAll(() => {
    disposeAdapter(adapter);
    disposeLlama(llama);
  });

  test.each([1, 0.7])("are those of the logits, at temperature %d", async (temperature) => {
    const wanted = { entropies: true, scores: true, temperature };
    const got = await tokenNumbers(llama, batch, { adapter, wanted });
    const [logP, entropies]: [number[], number[]] = [[], []];
    for (const tokens of texts) {
      const all = await logits(llama, adapter, tokens);
      for (let t = prompt; t < tokens.length; t++) {
        const row = Array.from(
          all.subarray((t - 1) * tinyConfig.vocabSize, t * tinyConfig.vocabSize),
          (x) => x / temperature,
        );
        const top = Math.max(...row);
        const lse = top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
        logP.push((row[tokens[t] ?? 0] ?? 0) - lse);
        entropies.push(-row.reduce((sum, x) => sum + Math.exp(x - lse) * (x - lse), 0));
      }
    }
    expect(got.scores).toHaveLength(2 * logP.length);
    expect(got.logProbabilities).toHaveLength(logP.length);
    logP.forEach((value, i) => expect(got.logProbabilities[i]).toBeCloseTo(value, 4));
    entropies.forEach((value, i) => expect(got.entropies[i]).toBeCloseTo(value, 4));
  });

  test("only what is wanted is made", async () => {
    const got = await tokenNumbers(llama, batch, { adapter, wanted: { logProbabilities: false, scores: true } });
    expect([got.logProbabilities.length, got.entropies.length]).toEqual([0, 0]);
    expect(got.scores.some((score) => score !== 0)).toBe(true);
  });

  test.each([false, true])("the way back is the derivative of any loss; blocks made again: %s", async (recompute) => {
    const random = newRandom(9);
    const slopes = Array.from({ length: 64 }, () => random.normal());
    const wanted = { entropies: true, scores: true, temperature: 0.8 };
    // Σ w·x + x² over all the numbers
    const lossOf = ({ logProbabilities, entropies, scores }: TokenNumbers) =>
      [...logProbabilities, ...entropies, ...scores].reduce((sum, x, i) => sum + (slopes[i] ?? 0) * x + x * x, 0);
    const parts = [...adapter.flat.parts];
    const before = tf.memory().numTensors;
    const found = await throughTokens(
      llama,
      batch,
      { adapter, wanted, recompute },
      parts.map(([, tensor]) => tensor),
      ({ logProbabilities, entropies, scores }) => {
        const M = logProbabilities.length;
        const of = (list: Float32Array, from: number) => list.map((x, i) => (slopes[from + i] ?? 0) + 2 * x);
        return { logProbabilities: of(logProbabilities, 0), entropies: of(entropies, M), scores: of(scores, 2 * M) };
      },
    );
    const read = new Map<string, Float32Array>();
    for (const [i, [name]] of parts.entries()) read.set(name, Float32Array.from(await (found[i] as tf.Tensor).data()));
    tf.dispose(found);
    expect(tf.memory().numTensors).toBe(before);
    const saved = await readAdapter(adapter);
    for (const [name, { values: gradient }] of splitNumbers(tinyConfig, adaptation, (part) => read.get(part))) {
      // Along the gradient itself, where a step changes the loss most.
      const norm = Math.hypot(...gradient);
      expect(norm).toBeGreaterThan(0);
      const at = async (step: number) => {
        const moved = new Map(saved);
        const { shape, values } = saved.get(name) ?? { shape: [], values: new Float32Array(0) };
        moved.set(name, { shape, values: values.map((x, i) => x + (step * (gradient[i] ?? 0)) / norm) });
        const there = loadAdapter(llama, adaptation, moved);
        const loss = lossOf(await tokenNumbers(llama, batch, { adapter: there, wanted }));
        disposeAdapter(there);
        return loss;
      };
      const h = 2e-3;
      const slope = ((await at(h)) - (await at(-h))) / (2 * h);
      expect.soft(Math.abs(slope - norm) / norm, name).toBeLessThan(0.03);
    }
  });

  test("a step of imitation is the plain one's, in one batch and in three, and tensors stay flat", async () => {
    const plain = [newMethod("lora", { rank: 3, alpha: 6 })];
    const settings = { learningRate: 0.01, maxGradNorm: 1, dropoutSeed: 1 };
    const total = batch.trained;
    const lossOf = ({ logProbabilities }: TokenNumbers) => ({
      logProbabilities: logProbabilities.map(() => -1 / total),
    });
    const after = async (step: (own: Adapter, adam: Optimizer) => Promise<{ gradNorm: number }>) => {
      const own = await stirred(llama, plain);
      const adam = newOptimizer(own, optimizer);
      const { gradNorm } = await step(own, adam);
      const numbers = [...(await readAdapter(own)).values()].flatMap(({ values }) => [...values]);
      disposeOptimizer(adam);
      disposeAdapter(own);
      return [gradNorm, ...numbers];
    };
    const before = tf.memory().numTensors;
    const expected = await after((own, adam) => trainStep(llama, own, adam, [batch], settings));
    const whole = await after((own, adam) =>
      objectiveStep(llama, own, adam, [{ batch, wanted: {}, lossOf }], settings),
    );
    const apart = await after((own, adam) =>
      objectiveStep(
        llama,
        own,
        adam,
        texts.map((text) => ({ batch: newBatch([text]), wanted: {}, lossOf })),
        settings,
      ),
    );
    for (const got of [whole, apart]) {
      expect(Math.max(...expected.map((x, i) => Math.abs(x - (got[i] ?? Number.NaN))))).toBeLessThan(1e-4);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test("a loss that throws leaves nothing behind", async () => {
    const own = await stirred(llama, adaptation);
    const adam = newOptimizer(own, optimizer);
    const before = tf.memory().numTensors;
    const pass = (lossOf: () => TokenGradients) => ({ batch, wanted: {}, lossOf });
    const passes = [
      pass(() => ({})),
      pass(() => {
        throw new Error("not this one");
      }),
    ];
    const settings = { learningRate: 0.01, maxGradNorm: 1, dropoutSeed: 1 };
    await expect(objectiveStep(llama, own, adam, passes, settings)).rejects.toThrow("not this one");
    expect(tf.memory().numTensors).toBe(before);
    disposeOptimizer(adam);
    disposeAdapter(own);
  });
});

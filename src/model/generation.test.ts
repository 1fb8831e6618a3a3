/** @file Generation: the cache against whole passes, stops and limits, neighbours, aborting, memory, and sampling. */

import { beforeAll, describe, expect, it } from "vitest";
import type { ModelConfig } from "../core/model";
import { newRandom } from "../core/random";
import { deviceMemory, openDevice } from "../kernels/device";
import { generate, logits, type Sampling } from "./generation";
import { type Llama, loadLlama, tensorShapes } from "./llama";
import { sampleToken } from "./sampling";

const config: ModelConfig = {
  architecture: "llama",
  vocabSize: 29,
  hiddenSize: 20,
  intermediateSize: 30,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headDim: 6,
  maxPositions: 24,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: false,
  bosTokenId: 0,
  eosTokenIds: [1],
};
const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, seed: 1 };

async function complete(steps: ReturnType<typeof generate>) {
  const seen: { row: number; token: number }[][] = [];
  for (;;) {
    const step = await steps.next();
    if (step.done) return { completions: step.value, seen };
    seen.push(step.value);
  }
}

describe.each(["wasm", "cpu"] as const)("on %s", (backend) => {
  let llama: Llama;
  const prompts = [[5], [3, 4, 5, 6, 7, 8, 9, 2], [11, 12], [3, 4]];
  beforeAll(async () => {
    await openDevice(backend);
    const random = newRandom(8);
    const tensors = [...tensorShapes(config)].map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, values: Float32Array.from({ length }, () => random.normal() * 0.6) }] as const;
    });
    llama = loadLlama(config, new Map(tensors));
  });

  it("finds with its cache what whole passes find, and leaves no tensor", async () => {
    const before = deviceMemory().tensors;
    const { completions, seen } = await complete(
      generate(llama, null, { prompts, maxTokens: 9, sampling: greedy, stopIds: [] }),
    );
    for (const [row, prompt] of prompts.entries()) {
      const tokens = [...prompt];
      for (let i = 0; i < 9; i++) {
        const last = (await logits(llama, null, tokens)).slice(-config.vocabSize);
        tokens.push(last.indexOf(Math.max(...last)));
      }
      expect(completions[row]).toEqual(tokens.slice(prompt.length));
      expect(
        seen
          .flat()
          .filter((one) => one.row === row)
          .map(({ token }) => token),
      ).toEqual(completions[row]);
    }
    expect(deviceMemory().tensors).toBe(before);
  });

  it("ends rows at stop tokens and at the last position, whatever their neighbours do", async () => {
    const sampling = { ...greedy, temperature: 1.5 };
    const whole = await complete(generate(llama, null, { prompts, maxTokens: 40, sampling, stopIds: [] }));
    expect(whole.completions.map((tokens) => tokens.length)).toEqual([24, 17, 23, 23]);
    const stopIds = [whole.completions[0]![6]!, whole.completions[2]![3]!];
    const { completions } = await complete(generate(llama, null, { prompts, maxTokens: 40, sampling, stopIds }));
    for (const [row, tokens] of whole.completions.entries()) {
      const end = tokens.findIndex((token) => stopIds.includes(token));
      expect(completions[row]).toEqual(end < 0 ? tokens : tokens.slice(0, end));
    }
    expect(completions[0]!.length).toBeLessThanOrEqual(6);
  });

  it("stops when aborted, and frees what it held", async () => {
    const before = deviceMemory().tensors;
    const abort = new AbortController();
    const steps = generate(llama, null, { prompts, maxTokens: 9, sampling: greedy, stopIds: [], signal: abort.signal });
    await steps.next();
    abort.abort();
    await expect(steps.next()).rejects.toThrow("abort");
    expect(deviceMemory().tensors).toBe(before);
    const left = generate(llama, null, { prompts, maxTokens: 9, sampling: greedy, stopIds: [] });
    await left.next();
    await left.return([]);
    expect(deviceMemory().tensors).toBe(before);
  });

  it("refuses prompts that do not fit, by number", async () => {
    const request = { maxTokens: 3, sampling: greedy, stopIds: [] };
    await expect(complete(generate(llama, null, { prompts: [[1], []], ...request }))).rejects.toThrow("Prompt 2");
    const long = Array.from({ length: 25 }, () => 1);
    await expect(complete(generate(llama, null, { prompts: [long], ...request }))).rejects.toThrow("25 tokens");
    expect((await complete(generate(llama, null, { prompts: [], ...request }))).completions).toEqual([]);
  });
});

describe("sampling", () => {
  const row = Float32Array.from([0, 3, 1, 2]);
  const counts = (sampling: Partial<Sampling>, draws = 4000) => {
    const random = newRandom(1);
    const seen = [0, 0, 0, 0];
    for (let i = 0; i < draws; i++) {
      seen[sampleToken(row, { temperature: 1, topK: 0, topP: 1, seed: 0, ...sampling }, random)]! += 1 / draws;
    }
    return seen;
  };
  const softmax = (values: number[]) => {
    const exps = values.map(Math.exp);
    return exps.map((e) => e / exps.reduce((a, b) => a + b, 0));
  };
  const near = (got: number[], want: number[]) => got.forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 1));

  it("follows the probabilities, sharper when colder", () => {
    near(counts({}), softmax([0, 3, 1, 2]));
    near(counts({ temperature: 0.5 }), softmax([0, 6, 2, 4]));
    expect(counts({ temperature: 0 })).toEqual([0, 1, 0, 0].map((value) => expect.closeTo(value, 6) as number));
  });

  it("keeps to the likeliest few", () => {
    const [a, , c] = counts({ topK: 2 });
    expect([a, c]).toEqual([0, 0]);
    // The first has 0.64; with the second 0.88 is reached.
    expect(counts({ topP: 0.6 })[3]).toBe(0);
    expect(counts({ topP: 0.7 })[3]).toBeGreaterThan(0.2);
    expect(counts({ topP: 0.7 })[2]).toBe(0);
  });
});

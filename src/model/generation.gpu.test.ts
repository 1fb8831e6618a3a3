/** @file Generation in a real browser: the same tokens on every device, one submit a token, and nothing left behind. */

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { deviceMemory, openDevice } from "../kernels/device";
import { generate, type Sampling } from "./generation";
import { disposeLlama, type Llama } from "./llama";
import { newTinyLlama } from "./tinyLlama";

const prompts = [[5], [3, 4, 5, 6, 7, 8, 9, 2], [11, 12], [3, 4]];
const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };
const samplings: Sampling[] = [
  greedy,
  { ...greedy, temperature: 1.5 },
  { ...greedy, temperature: 1, topK: 8, topP: 0.9, minP: 0.02, seed: 3 },
];

async function complete(steps: ReturnType<typeof generate>): Promise<number[][]> {
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
  }
}

/** Every sampling's completions: rows to the last position, and rows that stop and make room. */
async function completeAll(llama: Llama): Promise<number[][][]> {
  const all: number[][][] = [];
  for (const sampling of samplings) {
    for (const stopIds of [[], [2, 19]]) {
      all.push(await complete(generate(llama, null, { prompts, maxTokens: 20, sampling, stopIds })));
    }
  }
  return all;
}

describe("generation on webgpu", () => {
  let expected: number[][][];
  let llama: Llama;
  let failure: Error | undefined;
  beforeAll(async () => {
    for (const backend of ["cpu", "wasm"] as const) {
      await openDevice(backend);
      const model = newTinyLlama();
      const all = await completeAll(model);
      disposeLlama(model);
      if (backend === "wasm") expect(all).toEqual(expected);
      expected = all;
    }
    const device = await openDevice("webgpu");
    void device.lost.then((error) => {
      failure = error;
    });
    llama = newTinyLlama();
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("takes the tokens that the CPU takes, greedy and drawn, with rows that stop on the way", async () => {
    const before = deviceMemory().tensors;
    expect(await completeAll(llama)).toEqual(expected);
    const lengths = expected.map((completions) => completions.map((tokens) => tokens.length));
    expect(lengths[0]).toEqual([20, 17, 20, 20]); // one of them ends at the last position
    expect(new Set([1, 3, 5].flatMap((at) => lengths[at]!)).size).toBeGreaterThan(4); // others at stop tokens, at any time
    expect(deviceMemory().tensors).toBe(before);
    expect(failure).toBeUndefined();
  });

  it("draws the same for a row alone as among others", async () => {
    const request = { maxTokens: 12, sampling: samplings[1]!, stopIds: [] };
    const [alone] = await complete(generate(llama, null, { prompts: prompts.slice(0, 1), ...request }));
    const [among] = await complete(generate(llama, null, { prompts, ...request }));
    expect(alone).toEqual(among);
  });

  it("submits once a token, and reads nothing but tokens", async () => {
    const submit = vi.spyOn(GPUQueue.prototype, "submit");
    const mapAsync = vi.spyOn(GPUBuffer.prototype, "mapAsync");
    await complete(generate(llama, null, { prompts, maxTokens: 16, sampling: samplings[2]!, stopIds: [] }));
    expect(submit).toHaveBeenCalledTimes(16);
    expect(mapAsync.mock.contexts.map((buffer) => (buffer as GPUBuffer).size)).toEqual(
      Array.from({ length: 16 }, () => 4 * prompts.length),
    );
  });

  it("has told the next step before it hands out the tokens of the last, and computes no step beyond the end", async () => {
    const submit = vi.spyOn(GPUQueue.prototype, "submit");
    const at: number[] = [];
    const steps = generate(llama, null, { prompts, maxTokens: 5, sampling: greedy, stopIds: [] });
    for await (const fresh of steps) {
      expect(fresh).toHaveLength(prompts.length);
      at.push(submit.mock.calls.length);
    }
    expect(at).toEqual([2, 3, 4, 5, 5]);
  });

  it("frees what it held when it is aborted or left, a read still under way", async () => {
    const before = deviceMemory().tensors;
    const abort = new AbortController();
    const request = { prompts, maxTokens: 12, sampling: samplings[1]!, stopIds: [] };
    const steps = generate(llama, null, { ...request, signal: abort.signal });
    await steps.next();
    abort.abort();
    await expect(steps.next()).rejects.toThrow("abort");
    expect(deviceMemory().tensors).toBe(before);
    const left = generate(llama, null, request);
    await left.next();
    await left.next();
    await left.return([]);
    expect(deviceMemory().tensors).toBe(before);
    expect(failure).toBeUndefined();
  });
});

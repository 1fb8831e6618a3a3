/** @file Generation: the cache against whole passes, stops and limits, neighbours, aborting, memory, and sampling. */

import { beforeAll, describe, expect, it } from "vitest";
import { deviceMemory, openDevice } from "../kernels/device";
import { generate, logits, type Sampling } from "./generation";
import type { Llama } from "./llama";
import { newTinyLlama, tinyConfig } from "./tinyLlama";

const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };

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
    llama = newTinyLlama();
  });

  it("finds with its cache what whole passes find, and leaves no tensor", async () => {
    const before = deviceMemory().tensors;
    const { completions, seen } = await complete(
      generate(llama, null, { prompts, maxTokens: 9, sampling: greedy, stopIds: [] }),
    );
    for (const [row, prompt] of prompts.entries()) {
      const tokens = [...prompt];
      for (let i = 0; i < 9; i++) {
        const last = (await logits(llama, null, tokens)).slice(-tinyConfig.vocabSize);
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

/** @file Every architecture against transformers and PEFT in a real browser, on WebGPU. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { deviceMemory, openDevice } from "../kernels/device";
import { relativeError } from "../kernels/kernelCases";
import { tf } from "../kernels/tf";
import { disposeAdapter, loadAdapter, splitNumbers } from "./adapter";
import { batchOf, type Golden, goldenNames, loraOf, readGolden, unpack, unpackAll } from "./architectureGolden";
import { generate, logits } from "./generation";
import { disposeLlama } from "./llama";
import { lossGradients } from "./training";

/** As the test's server has the source tree. */
const fetched = (name: string) => fetch(`/src/model/golden/architectures/${name}`);

async function openGolden(name: string) {
  const golden = (await (await fetched(`${name}.json`)).json()) as Golden;
  const bytes = new Uint8Array(await (await fetched(`${name}.safetensors`)).arrayBuffer());
  return { golden, llama: await readGolden(golden, bytes) };
}

let before = 0;
let failure: Error | undefined;
beforeAll(async () => {
  const device = await openDevice("webgpu");
  void device.lost.then((error) => {
    failure = error;
  });
  before = deviceMemory().tensors;
});
afterAll(() => {
  expect(failure).toBeUndefined();
  expect(deviceMemory().tensors).toBe(before);
});

it.each(goldenNames)("%s: the same logits", async (name) => {
  const { golden, llama } = await openGolden(name);
  const got = await logits(llama, null, golden.sequence);
  const { values: want } = unpack(golden.logits);
  expect(Math.max(...got.map((value, i) => Math.abs(value - (want[i] ?? Number.NaN))))).toBeLessThan(1e-4);
  disposeLlama(llama);
});

// Windows and caps are in Gemma 2's derivative of attention, LayerNorm and the biases in GPT-2's.
it.each(["gemma2", "gpt2"])("%s: the same gradients and tokens", async (name) => {
  const { golden, llama } = await openGolden(name);
  const lora = loraOf(golden);
  const adapter = loadAdapter(llama, [lora], unpackAll(golden.lora.start));
  const weights = adapter.flat.parts;
  const { losses, gradients } = lossGradients(llama, adapter, batchOf(golden.rows), [...weights.values()]);
  const numbers = new Map<string, Float32Array>();
  for (const [i, key] of [...weights.keys()].entries()) {
    numbers.set(key, (await gradients[i]!.data()) as Float32Array);
  }
  for (const [key, { values }] of splitNumbers(llama.config, [lora], (key) => numbers.get(key))) {
    expect.soft(relativeError(values, unpack(golden.lora.gradients[key]!).values), key).toBeLessThan(5e-4);
  }
  tf.dispose([losses, gradients]);
  disposeAdapter(adapter);

  const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };
  const prompts = [golden.sequence.slice(0, 9)];
  const steps = generate(llama, null, { prompts, maxTokens: golden.greedy.length, sampling, stopIds: [] });
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  expect(step.value[0]).toEqual(golden.greedy);
  disposeLlama(llama);
});

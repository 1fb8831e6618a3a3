/** @file Every method of adaptation on WebGPU: the same losses, gradients and steps as in plain JavaScript. */

import { beforeAll, expect, test } from "vitest";
import type { Adaptation } from "../core/adaptation";
import { openDevice } from "../kernels/device";
import { relativeError } from "../kernels/kernelCases";
import { tf } from "../kernels/tf";
import { disposeAdapter } from "./adapter";
import { adaptations, batch, marks, sequence, stirred } from "./adapterCases";
import { logits } from "./generation";
import { disposeLlama } from "./llama";
import { newTinyLlama } from "./tinyLlama";
import { disposeOptimizer, lossGradients, newOptimizer, trainStep } from "./training";

/** Logits, a batch's losses and gradients, and the losses of three steps, on the open device. */
async function outcome(adaptation: Adaptation): Promise<Map<string, Float32Array>> {
  const llama = newTinyLlama();
  const adapter = await stirred(llama, adaptation);
  const found = new Map<string, Float32Array>();
  found.set("logits", await logits(llama, adapter, sequence, marks));
  const parts = [...adapter.flat.parts];
  const { losses, gradients } = lossGradients(
    llama,
    adapter,
    batch,
    parts.map(([, x]) => x),
  );
  found.set("losses", Float32Array.from(await losses.data()).subarray(0, batch.trained));
  for (const [i, [name]] of parts.entries()) found.set(name, Float32Array.from(await gradients[i]!.data()));
  tf.dispose([losses, ...gradients]);
  const optimizer = newOptimizer(adapter, { beta1: 0.9, beta2: 0.999, epsilon: 1e-3, weightDecay: 0.01 });
  const steps: number[] = [];
  for (let step = 0; step < 3; step++) {
    const settings = { learningRate: 0.01, maxGradNorm: 1, dropoutSeed: step, recompute: step === 2 };
    steps.push((await trainStep(llama, adapter, optimizer, [batch], settings)).loss);
  }
  found.set("steps", Float32Array.from(steps));
  disposeOptimizer(optimizer);
  disposeAdapter(adapter);
  disposeLlama(llama);
  return found;
}

const meanings = new Map<string, Map<string, Float32Array>>();
beforeAll(async () => {
  await openDevice("cpu");
  for (const [name, { adaptation }] of Object.entries(adaptations)) meanings.set(name, await outcome(adaptation));
  await openDevice("webgpu"); // once: its pipelines serve all of them
}, 300_000);

test.each(Object.entries(adaptations))("%s", { timeout: 300_000 }, async (name, { adaptation }) => {
  const found = await outcome(adaptation);
  for (const [part, values] of meanings.get(name)!) {
    const isZero = values.every((x) => Math.abs(x) < 1e-6);
    if (isZero) expect.soft(Math.max(...found.get(part)!.map(Math.abs)), part).toBeLessThan(1e-5);
    else expect.soft(relativeError(found.get(part)!, values), part).toBeLessThan(2e-4);
  }
});

/** @file The memory that a plan tells is what a step takes, whatever is trained: on the embedded model, on the CPU. */

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Adaptation, methodKinds, newMethod } from "../core/adaptation";
import { bytesSource } from "../core/byteSource";
import type { Example } from "../core/dataset";
import { newRecipe, type Recipe } from "../core/recipe";
import { newBatcher } from "../data/batches";
import { deviceMemory, memoryPeak, openDevice } from "../kernels/device";
import { disposeAdapter, newAdapter } from "../model/adapter";
import { disposeOptimizer, newOptimizer, trainStep } from "../model/training";
import { newControls } from "./controls";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import type { ModelFiles } from "./openModel";
import { planRecipe } from "./planRecipe";
import { measureLengths } from "./planRows";
import { noSpeeds } from "./planTime";
import { prepareData, type Source } from "./prepareData";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const embedded: ModelFiles = {
  name: "embedded",
  list: () => readdir("public/embedded"),
  open: async (file) => {
    const bytes = await readFile(path.join("public/embedded", file)).catch(() => null);
    return bytes && bytesSource(bytes, file);
  },
};

let model: LoadedModel;
beforeAll(async () => {
  await openDevice("wasm");
  model = await loadModel(embedded);
});
afterAll(() => unloadModel(model));

/** All of one length, so that every batch is the largest. */
const example: Example = {
  prompt: "Tom has 12 apples. ".repeat(10),
  completion: " Tom has 12 more. ".repeat(5),
};
const source: Source = { examples: Array.from({ length: 8 }, () => example), heldout: [example] };

async function plannedBytes(recipe: Recipe, available: number): Promise<number> {
  const lengths = await measureLengths(source.examples, recipe, model.tokenizer, new AbortController().signal);
  const { memory } = planRecipe({ recipe, model, source, lengths, available, speeds: noSpeeds });
  return memory.needed;
}

/** Bytes at the peak of two steps: the first makes what the second finds. */
async function measuredBytes(recipe: Recipe, recompute: boolean): Promise<number> {
  const preparing = prepareData(source, recipe, model, newControls().signal);
  let prepared = await preparing.next();
  while (!prepared.done) prepared = await preparing.next();
  const { batching } = recipe;
  const batcher = newBatcher({
    documents: prepared.value.train,
    rows: batching.rows,
    mode: batching.mode,
    contextLength: 512,
    seed: 1,
  });
  const before = deviceMemory();
  memoryPeak(true);
  const adapter = await newAdapter(model.llama, recipe.adaptation, 1);
  const optimizer = newOptimizer(adapter, recipe.optimizer);
  for (let i = 0; i < 2; i++) {
    await trainStep(model.llama, adapter, optimizer, [batcher.batch(i).batch], {
      learningRate: 1e-3,
      maxGradNorm: 1,
      dropoutSeed: i,
      recompute,
    });
  }
  const peak = memoryPeak() ?? Number.NaN;
  disposeOptimizer(optimizer);
  disposeAdapter(adapter);
  expect(deviceMemory()).toEqual(before);
  return peak;
}

const adaptations: [string, Adaptation][] = [
  ...methodKinds.map((kind): [string, Adaptation] => [kind, [newMethod(kind)]]),
  ["dora", [newMethod("lora", { dora: true })]],
  ["lora of rank 64 on two layers", [newMethod("lora", { rank: 64, targetModules: ["q_proj", "down_proj"] })]],
  ["loar + lora", [newMethod("loar"), newMethod("lora")]],
  ["bottleneck + bias", [newMethod("bottleneck", { size: 64 }), newMethod("bias")]],
];

/** Of what is measured. */
const tolerance = 0.15;

test.each(adaptations)("%s", async (_, adaptation) => {
  const { batching, evaluation } = newRecipe();
  const recipe = newRecipe({
    adaptation,
    batching: { ...batching, rows: 4 },
    evaluation: { ...evaluation, rows: 0, lossRows: 0, samples: 0 },
  });
  const planned = await plannedBytes(recipe, 2 ** 34);
  const ratio = planned / (await measuredBytes(recipe, false));
  expect(Math.abs(ratio - 1), `planned over measured: ${ratio}`).toBeLessThan(tolerance);
  const short = await plannedBytes(recipe, 1.01 * planned); // tight: activations are made again
  const again = short / (await measuredBytes(recipe, true));
  expect(short).toBeLessThan(planned);
  expect(Math.abs(again - 1), `with recomputing, planned over measured: ${again}`).toBeLessThan(tolerance);
});

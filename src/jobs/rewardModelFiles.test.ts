/** @file A reward model that comes in from files keeps the names of its numbers, where its files have them. */

import "fake-indexeddb/auto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Adaptation, adaptationTensors, newMethod } from "../core/adaptation";
import type { ModelConfig } from "../core/model";
import { newObjective } from "../core/objective";
import { newRandom } from "../core/random";
import { newRecipe } from "../core/recipe";
import { getAdapter } from "../storage/adapters";
import { newBrowserRunStore } from "../storage/browserRunStore";
import { newNodeFiles } from "../storage/node/nodeFiles";
import { type AdapterFiles, newAdapterFiles } from "./adapterFiles";
import { importAdapter, readTrained } from "./adapterLibrary";
import { openModel } from "./openModel";
import { newTinyModel } from "./tinyModel";

let root: string;
let files: ReturnType<typeof newNodeFiles>;
let config: ModelConfig;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "anneal-rewards-"));
  files = newNodeFiles(root);
  ({ config } = await openModel(newTinyModel()));
});
afterAll(() => rm(root, { recursive: true }));

const lora = newMethod("lora", { rank: 2, alpha: 4, targetModules: ["q_proj"] });
const head = newMethod("head", { outputs: 2 });
const dimensions = [
  { name: "helpful", weight: 1 },
  { name: "brief", weight: 0.5 },
];
const other = [
  { name: "x", weight: 1 },
  { name: "y", weight: 1 },
];

/** A folder of a random reward model, and a recipe beside it. */
function folderOf(adaptation: Adaptation, named: Pick<AdapterFiles, "dimensions">, recipe?: unknown): File[] {
  const random = newRandom(1);
  const tensors: AdapterFiles["tensors"] = new Map();
  for (const [name, shape] of adaptationTensors(config, adaptation)) {
    const size = shape.reduce((a, b) => a * b, 1);
    tensors.set(name, { shape, values: Float32Array.from({ length: size }, () => random.normal()) });
  }
  const made = newAdapterFiles({ config, adaptation, tensors, ...named, baseName: "tiny", card: "" });
  const beside = recipe ? [new File([JSON.stringify(recipe)], "recipe.json")] : [];
  return [...made.map(({ path: name, bytes }) => new File([new Uint8Array(bytes)], name)), ...beside];
}
const bring = async (given: readonly File[]) => {
  const { id } = await importAdapter(given, { name: "judge", model: "embedded", config, template: null }, files);
  const record = await getAdapter(id);
  const read = await readTrained(id, newBrowserRunStore(), files);
  expect(read.dimensions).toEqual(record.dimensions);
  return record;
};
const recipeOf = (names: typeof dimensions) => newRecipe({ objective: newObjective("reward", { dimensions: names }) });

test.each<[string, Adaptation]>([
  ["PEFT's layout", [lora, head]],
  ["the studio's", [lora, newMethod("ia3"), head]],
])("%s names them itself", async (_, adaptation) => {
  const record = await bring(folderOf(adaptation, { dimensions }));
  expect(record.adaptation).toEqual(adaptation);
  expect(record.dimensions).toEqual(dimensions);
  // What lies in the file itself comes before a recipe beside it.
  expect((await bring(folderOf(adaptation, { dimensions }, recipeOf(other)))).dimensions).toEqual(dimensions);
});

test("a recipe beside it names them where it is a reward model of as many; else they have none", async () => {
  expect((await bring(folderOf([lora, head], {}, recipeOf(dimensions)))).dimensions).toEqual(dimensions);
  expect((await bring(folderOf([lora, head], {}, recipeOf(dimensions.slice(1))))).dimensions).toBeUndefined();
  expect((await bring(folderOf([lora, head], {}, newRecipe()))).dimensions).toBeUndefined();
  expect((await bring(folderOf([lora, head], {}))).dimensions).toBeUndefined();
  expect((await bring(folderOf([lora], {}, recipeOf(dimensions)))).dimensions).toBeUndefined();
});

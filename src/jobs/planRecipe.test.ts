/** @file A plan counts what the recipe's rows are, and its memory follows what a step takes. */

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import type { Example } from "../core/dataset";
import { newRecipe, type Recipe } from "../core/recipe";
import { openDevice } from "../kernels/device";
import { newControls } from "./controls";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import { isMemoryShort, planRecipe } from "./planRecipe";
import { measureLengths } from "./planRows";
import { noSpeeds, type Speeds } from "./planTime";
import { prepareData, type Source, scoringOf, splitSource } from "./prepareData";
import { newTinyModel } from "./tinyModel";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let model: LoadedModel;
beforeAll(async () => {
  await openDevice("wasm");
  model = await loadModel(newTinyModel());
});
afterAll(() => {
  unloadModel(model);
});

const examples = Array.from(
  { length: 50 },
  (_, i): Example => ({
    prompt: "q".repeat(1 + (i % 10)),
    completion: `${"x".repeat(i % 5 === 0 ? 100 : 1)}\n#### ${i}`,
  }),
);
const source: Source = { examples, heldout: null };

function smallRecipe(): Recipe {
  const recipe = newRecipe();
  recipe.template = { prompt: "{prompt}", completion: "{completion}" };
  recipe.data.evaluationShare = 0.2;
  recipe.batching = { rows: 4, accumulation: 2, contextLength: 64, mode: "bucket" };
  recipe.schedule.steps = 20;
  recipe.evaluation.rows = 1;
  recipe.evaluation.lossRows = 1;
  return recipe;
}

async function planOf(recipe: Recipe, speeds: Speeds = noSpeeds, available = 2 ** 30) {
  const { train } = splitSource(source, recipe);
  const lengths = await measureLengths(train, recipe, model.tokenizer, new AbortController().signal);
  return planRecipe({ recipe, model, source, lengths, available, speeds });
}

test("a context of 0 takes every row that the model can read", async () => {
  const recipe = smallRecipe();
  const most = await planOf({ ...recipe, batching: { ...recipe.batching, contextLength: 0 } });
  expect(most).toMatchObject({ context: 128, tooLong: 0 });
  const some = await planOf({ ...recipe, batching: { ...recipe.batching, contextLength: 32 } });
  expect(some.context).toBe(32);
  expect(some.tooLong).toBeGreaterThan(0);
});

async function prepare(recipe: Recipe) {
  const preparing = prepareData(source, recipe, model, newControls().signal);
  let prepared = await preparing.next();
  while (!prepared.done) prepared = await preparing.next();
  return prepared.value;
}

const documentsOf = async (recipe: Recipe) => (await prepare(recipe)).train.filter(({ tooLong }) => !tooLong);

test("a plan counts as the run will", async () => {
  const recipe = smallRecipe();
  const data = await prepare(recipe);
  const fitting = await documentsOf(recipe);
  const plan = await planOf(recipe, { ...noSpeeds, trained: 100 });
  expect(plan).toMatchObject({
    rows: fitting.length,
    tooLong: data.tooLong,
    evaluationRows: 10,
    steps: 20,
    scoring: "gsm8k",
  });
  expect(plan.rows + plan.tooLong).toBe(40);
  const mean = fitting.reduce((sum, { tokens }) => sum + tokens.length, 0) / fitting.length;
  expect(plan.meanTokens).toBeCloseTo(mean, 9);
  expect(plan.epochs).toBeCloseTo((20 * 8) / fitting.length, 9);
  expect(plan.seconds).toBeCloseTo((20 * 8 * mean) / 100, 9);
});

test("more rows, longer rows and a higher rank need more memory, and the verdict follows", async () => {
  const recipe = smallRecipe();
  const { batching } = recipe;
  const needed = async (changes: Partial<Recipe>) => (await planOf({ ...recipe, ...changes })).memory.needed;
  const base = await needed({});
  expect(await needed({ batching: { ...batching, rows: 8 } })).toBeGreaterThan(1.5 * base);
  expect(await needed({ batching: { ...batching, contextLength: 128 } })).toBeGreaterThan(1.2 * base);
  expect(await needed({ adaptation: [newMethod("lora", { rank: 256 })] })).toBeGreaterThan(1.2 * base);
  // The gradient of the passes before is one more set of numbers.
  expect(await needed({ batching: { ...batching, accumulation: 1 } })).toBeGreaterThan(0.9 * base);
  expect(await needed({ batching: { ...batching, accumulation: 8 } })).toBe(base);
  const memory = async (available: number) => (await planOf(recipe, noSpeeds, available)).memory;
  expect(await memory(2 * base)).toMatchObject({ verdict: "fits", recompute: false, needed: base });
  // Where keeping all activations would not fit, making them again is planned for, and needs less.
  const short = await memory(1.2 * base);
  expect(short.recompute).toBe(true);
  const data = await prepare(recipe);
  expect(isMemoryShort(recipe, model, data, 1.2 * base)).toBe(true);
  expect(isMemoryShort(recipe, model, data, 2 * base)).toBe(false);
  expect(short.needed).toBeLessThan(0.9 * base);
  expect((await memory(1.2 * short.needed)).verdict).toBe("tight");
  expect((await memory(short.needed / 2)).verdict).toBe("too large");
});

test("scoring follows the answers", () => {
  const of = (completion: string): Example => ({ prompt: "p", completion });
  expect(scoringOf([of("#### 3"), of("a\n#### 4")])).toBe("gsm8k");
  expect(scoringOf([of("3"), of("1,200")])).toBe("gsm8k");
  expect(scoringOf([of("yes"), of("no")])).toBe("exact-match");
  expect(scoringOf([of("word ".repeat(40)), of("more ".repeat(40))])).toBe("none");
  expect(scoringOf([])).toBe("none");
});

/** @file A plan counts what the recipe's rows are, and its memory follows what a step takes. */

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import type { Example } from "../core/dataset";
import { newObjective, newSampledPairs, type Objective } from "../core/objective";
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

async function planOf(recipe: Recipe, speeds: Speeds = noSpeeds, available = 2 ** 30, from = source) {
  const { train } = splitSource(from, recipe);
  const lengths = await measureLengths(train, recipe, model.tokenizer, new AbortController().signal);
  return planRecipe({ recipe, model, source: from, lengths, available, speeds });
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

/** Every second row has a rejected answer, every fifth was judged; one prompt fills the model. */
const mixed: Source = {
  examples: examples.map((example, i) => ({
    ...example,
    ...(i === 49 ? { prompt: "q".repeat(128) } : {}),
    ...(i % 2 === 0 ? { rejected: "no" } : {}),
    ...(i % 5 === 1 ? { label: i % 2 === 0 } : {}),
  })),
  heldout: examples.slice(0, 5),
};

test("each objective counts the rows that it learns from", async () => {
  const recipe = smallRecipe(); // 20 steps of 4 rows, twice
  const of = async (objective: Objective, changes: Partial<Recipe> = {}) => {
    const batching = { ...recipe.batching, contextLength: 0 };
    return planOf({ ...recipe, batching, objective, ...changes }, noSpeeds, 2 ** 30, mixed);
  };
  expect(await of(newObjective("dpo"))).toMatchObject({ rows: 25, tooLong: 0, epochs: (20 * 4) / 25 });
  expect(await of(newObjective("reward"))).toMatchObject({ rows: 25, epochs: (20 * 4) / 25 });
  expect(await of(newObjective("kto"))).toMatchObject({ rows: 10, epochs: (20 * 8) / 10 });
  const grpo = newObjective("grpo", { prompts: 7 });
  expect(await of(grpo)).toMatchObject({ rows: 49, tooLong: 1, epochs: (20 * 7) / 49 });
  const sftFirst = { rows: 9, steps: 10, learningRate: 1e-3 };
  expect(await of(grpo, { sftFirst })).toMatchObject({ rows: 49, epochs: (20 * 7) / 40 });
  const sampled = newObjective("dpo", { sampled: { ...newSampledPairs(), pairs: 16 } });
  expect(await of(sampled)).toMatchObject({ rows: 49, epochs: (20 * 4) / 16 });
  // A pair is left out where either answer is too long.
  const short = await of(newObjective("dpo"), { batching: { ...recipe.batching, contextLength: 64 } });
  expect(short).toMatchObject({ rows: 20, tooLong: 5 });
});

test("answers that do not fit are told apart from a step that does not", async () => {
  const recipe = smallRecipe();
  const answers = (completions: number, maxTokens: number) => {
    const { sampling } = newObjective("grpo");
    return newObjective("grpo", { prompts: 8, completions, sampling: { ...sampling, maxTokens } });
  };
  const of = async (objective: Objective, available = 2 ** 30) =>
    (await planOf({ ...recipe, objective }, noSpeeds, available)).memory;
  const many = await of(answers(64, 64));
  expect(many.part).toBe("answers");
  expect(await of(answers(64, 64), many.needed / 2)).toMatchObject({ verdict: "too large", part: "answers" });
  const few = await of(answers(2, 64));
  expect(few.part).toBe("step");
  expect(few.needed).toBeLessThan(many.needed);
  expect((await of(answers(64, 16))).needed).toBeLessThan(many.needed);
  expect((await of(newObjective("sft"))).part).toBe("step");
});

test("a run with a reference holds the adapter once more, and both stages are within the plan", async () => {
  const recipe = { ...smallRecipe(), adaptation: [newMethod("lora", { rank: 64 })] };
  const objective = newObjective("grpo");
  const sftFirst = { rows: 5, steps: 5, learningRate: 1e-3 };
  const plain = await planOf({ ...recipe, objective });
  const staged = await planOf({ ...recipe, objective, sftFirst });
  expect(staged.memory.needed - plain.memory.needed).toBe(4 * plain.trainedParameters);
  const imitation = await planOf(recipe);
  expect(staged.memory.needed).toBeGreaterThanOrEqual(imitation.memory.needed);
});

test("the time of a run with two stages is that of both", async () => {
  const sftFirst = { rows: 5, steps: 30, learningRate: 1e-3 };
  const recipe = { ...smallRecipe(), objective: newObjective("grpo"), sftFirst };
  const speeds = { ...noSpeeds, firstStep: 2, ownStep: 11 };
  expect(await planOf(recipe, speeds)).toMatchObject({ seconds: 30 * 2 + 20 * 11, stepSeconds: 11 });
  expect((await planOf(recipe, { ...speeds, ownStep: null })).seconds).toBeNull();
  expect((await planOf(recipe, { ...speeds, firstStep: null })).seconds).toBeNull();
});

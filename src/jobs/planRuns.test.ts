/** @file The memory that a plan tells is what whole runs take, whatever they learn from: on the embedded model, on the CPU. */

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { bytesSource } from "../core/byteSource";
import type { Example } from "../core/dataset";
import { newObjective, newSampledPairs, type Objective, rewardsOf } from "../core/objective";
import { newRecipe, parseRecipe, type Recipe, stepsInAll } from "../core/recipe";
import { newReward } from "../core/reward";
import { newTurns } from "../core/turns";
import { deviceMemory, memoryPeak, openDevice } from "../kernels/device";
import { newControls } from "./controls";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import type { ModelFiles } from "./openModel";
import { planRecipe } from "./planRecipe";
import { measureLengths } from "./planRows";
import { noSpeeds } from "./planTime";
import { prepareData, type Source, splitSource } from "./prepareData";
import { newScorer } from "./rewards";
import { train } from "./train";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

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

const examples = Array.from(
  { length: 40 },
  (_, i): Example => ({
    prompt: `Tom has ${10 + i} apples. `.repeat(6),
    completion: ` Tom has ${10 + i} more. `.repeat(4) + `\n#### ${i}`,
    rejected: ` Tom has ${10 + i} less. `.repeat(4) + `\n#### 1`,
    label: i % 2 === 0,
  }),
);
const source: Source = { examples, heldout: examples };

/** So hot that no answer ends before its length. */
const sampling = { temperature: { start: 5, end: 5 }, topK: 0, topP: 1, minP: 0, maxTokens: 48, stop: [] };
/** By letters, so that answers differ. */
const rewards = [
  newReward("own", {
    weight: 1,
    name: "letters",
    code: "function reward({ completion }) { return completion.length; }",
  }),
];
const written = { completions: 8, sampling, rewards };
const rollouts = { ...written, prompts: 4 };

const evaluation = { every: 2, rows: 4, lossRows: 4, maxTokens: 32, samples: 2, patience: 0 };

function recipeFor(objective: Objective, changes: Partial<Recipe> = {}): Recipe {
  return parseRecipe({
    ...newRecipe(),
    objective,
    batching: { rows: 8, accumulation: 1, contextLength: 0, mode: "bucket" },
    schedule: { kind: "constant", steps: 2, warmupSteps: 0 },
    evaluation,
    checkpoints: { every: 100 },
    ...changes,
  });
}

async function plannedBytes(recipe: Recipe, available: number): Promise<number> {
  const { train: rows } = splitSource(source, recipe);
  const lengths = await measureLengths(rows, recipe, model.tokenizer, new AbortController().signal);
  const { memory } = planRecipe({ recipe, model, source, lengths, available, speeds: noSpeeds });
  return memory.needed;
}

async function measuredBytes(recipe: Recipe, recompute: boolean): Promise<number> {
  const controls = newControls();
  const preparing = prepareData(source, recipe, model, controls.signal);
  let prepared = await preparing.next();
  while (!prepared.done) prepared = await preparing.next();
  const own = rewardsOf(recipe.objective);
  const scorer = own ? newScorer(own) : null;
  const before = deviceMemory();
  let steps = 0;
  memoryPeak(true);
  const given = {
    recipe,
    model,
    data: prepared.value,
    checkpoint: null,
    scorer,
    recompute,
    controls,
    turns: newTurns(),
  };
  for await (const event of train(given)) if (event.event === "step") steps++;
  expect(steps).toBe(stepsInAll(recipe));
  const peak = memoryPeak() ?? Number.NaN;
  scorer?.close();
  expect(deviceMemory()).toEqual(before);
  return peak;
}

const alone = { rows: 1, accumulation: 1, contextLength: 0, mode: "bucket" as const };
const sftFirst = { rows: 8, steps: 2, learningRate: 1e-3 };
const objectives: Record<string, { objective: Objective; changes?: Partial<Recipe> }> = {
  sft: { objective: newObjective("sft") },
  grpo: { objective: newObjective("grpo", { ...rollouts, beta: 0.04, updates: 2 }) },
  "grpo after imitation, two rows a pass": {
    objective: newObjective("grpo", rollouts),
    changes: { sftFirst, batching: { ...alone, rows: 2 } },
  },
  "grpo at another temperature": {
    objective: newObjective("grpo", { ...rollouts, sampling: { ...sampling, temperature: { start: 0.7, end: 0.7 } } }),
  },
  ppo: { objective: newObjective("ppo", rollouts) },
  rejection: { objective: newObjective("rejection", { ...rollouts, threshold: -1000 }) },
  dpo: { objective: newObjective("dpo") },
  "dpo of its own answers": {
    objective: newObjective("dpo", { sampled: { ...newSampledPairs(), ...written, pairs: 8 } }),
    changes: { sftFirst },
  },
  kto: { objective: newObjective("kto") },
  reward: { objective: newObjective("reward") },
  "evaluation's loss": {
    objective: newObjective("sft"),
    changes: { batching: alone, evaluation: { ...evaluation, lossRows: 40 } },
  },
  "pass@k": {
    objective: newObjective("sft"),
    changes: { batching: alone, evaluation: { ...evaluation, rows: 8, passAt: 8 } },
  },
};

/** Planned over measured. */
const [least, greatest] = [1, 1.3];

test.each(Object.entries(objectives))("%s", async (_, { objective, changes }) => {
  const recipe = recipeFor(objective, changes);
  const planned = await plannedBytes(recipe, 2 ** 34);
  const ratio = planned / (await measuredBytes(recipe, false));
  expect(ratio, "planned over measured").toBeGreaterThan(least);
  expect(ratio, "planned over measured").toBeLessThan(greatest);
});

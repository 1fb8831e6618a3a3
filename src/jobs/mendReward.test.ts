/** @file A run whose own reward fails is paused after its last whole step, and goes on with the mended code as if that had always been there. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import type { RewardChange, RunEvent, StepMetrics } from "../core/metrics";
import { newObjective } from "../core/objective";
import { newRecipe, parseRecipe, type Recipe } from "../core/recipe";
import { newReward } from "../core/reward";
import { needsMending, newRun, type Run } from "../core/run";
import { newTurns } from "../core/turns";
import { openDevice } from "../kernels/device";
import { newNodeRunStore, readRunFolder } from "../storage/node/nodeRunStore";
import { parseCheckpoint } from "./checkpoint";
import { newControls } from "./controls";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import { runTraining } from "./runTraining";
import { newTinyModel } from "./tinyModel";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 }); // seconds, where nothing else runs

let model: LoadedModel;
beforeAll(async () => {
  await openDevice("wasm");
  model = await loadModel(newTinyModel());
});
afterAll(() => {
  unloadModel(model);
});

const examples = Array.from({ length: 24 }, (_, i) => ({ prompt: `${i}+1`, completion: `#### ${i + 1}` }));
const [prompts, completions] = [2, 4];

const right = `function reward({ completion }) {
  return (completion.match(/[ -~]/g) || []).length;
}`;
/** The same, but for what it does once it has rated three steps. */
const failingWith = (what: string) => `let rated = 0;
function reward({ completion }) {
  if (++rated > ${3 * prompts * completions + 2}) ${what};
  return (completion.match(/[ -~]/g) || []).length;
}`;

function recipeWith(code: string, changes: Partial<Recipe> = {}): Recipe {
  const recipe = newRecipe();
  const sampling = { temperature: { start: 1, end: 1 }, topK: 0, topP: 1, minP: 0, maxTokens: 6, stop: [] };
  const rewards = [newReward("format", { weight: 0.1 }), newReward("own", { name: "letters", code })];
  return parseRecipe({
    ...recipe,
    template: { prompt: "{prompt}", completion: " {completion}" },
    adaptation: [newMethod("lora", { rank: 2, alpha: 4 })],
    objective: newObjective("grpo", { prompts, completions, sampling, rewards, beta: 0.01 }),
    batching: { rows: 8, accumulation: 1, contextLength: 64, mode: "bucket" },
    optimizer: { ...recipe.optimizer, learningRate: 0.01 },
    schedule: { kind: "constant", steps: 6, warmupSteps: 0 },
    evaluation: { every: 2, rows: 2, lossRows: 4, maxTokens: 4, samples: 1, patience: 0 },
    checkpoints: { every: 100 },
    ...changes,
  });
}

async function newStore() {
  const folder = await mkdtemp(path.join(tmpdir(), "anneal-mended-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { folder, store: newNodeRunStore(folder) };
}
type Kept = Awaited<ReturnType<typeof newStore>>;

const train = (
  run: Run,
  { store }: Kept,
  mended?: Recipe,
  emit: (event: RunEvent) => void = () => undefined,
  controls = newControls(),
) =>
  runTraining({
    run,
    ...(mended ? { mended } : {}),
    store,
    backend: "wasm",
    loadModel: () => Promise.resolve(model),
    loadSource: () => Promise.resolve({ examples, heldout: examples.slice(0, 4) }),
    controls,
    turns: newTurns(),
    lost: new Promise(() => undefined),
    emit,
  });

/** All steps that a folder has kept, but for the clock. */
async function curveOf({ folder }: Kept) {
  const lines = (await readFile(path.join(folder, "metrics.jsonl"), "utf8")).trim().split("\n");
  return lines
    .map((line) => JSON.parse(line) as StepMetrics & { event: string })
    .filter(({ event }) => event === "step" || event === "eval")
    .map(({ seconds: _, tokens_per_second: __, ...metrics }) => metrics);
}

async function trainedOf({ store }: Kept, run: Run) {
  const checkpoint = await store.readCheckpoint(run.id);
  return parseCheckpoint(checkpoint?.bytes ?? new Uint8Array()).adapter;
}

const stages = {
  "in mid-run": {},
  "at the first step after imitation": {
    sftFirst: { rows: 8, steps: 3, learningRate: 0.01 },
  },
} satisfies Record<string, Partial<Recipe>>;

test.each(Object.entries(stages))(
  "an endless loop %s: mended, the curve is that of the right code",
  async (_, stage) => {
    const isLater = "sftFirst" in stage;
    const bad = isLater ? right.replace("return", "for (;;);\n  return") : failingWith("for (;;)");
    const [whole, kept] = [await newStore(), await newStore()];
    const always = await train(newRun(recipeWith(right, stage), "right"), whole);
    expect(always.status).toBe("done");

    const paused = await train(newRun(recipeWith(bad, stage), "bad"), kept);
    expect(paused).toMatchObject({ status: "paused", step: 3, checkpoint: 3, error: { code: "jail.slow" } });
    expect(paused.error?.message).toMatch(/^letters, row \d+: .*is there a loop without end\?$/);
    expect(paused.failedOn).toMatchObject({ prompt: expect.stringMatching(/^\d+\+1$/) as string, tokens: 6 });
    expect(needsMending(paused)).toBe(true);
    expect(await readRunFolder(kept.folder)).toEqual(paused);

    const told: RewardChange[] = [];
    const mended = recipeWith(right, stage);
    const done = await train(paused, kept, mended, (event) => {
      if (event.event === "change") told.push(event.change);
    });
    const change = { step: 3, name: "letters", before: bad, after: right };
    expect(done).toMatchObject({ status: "done", error: null, failedOn: null, recipe: mended, changes: [change] });
    expect(told).toEqual([change]);
    expect(await readFile(path.join(kept.folder, "metrics.jsonl"), "utf8")).toContain(
      `${JSON.stringify({ event: "change", ...change })}\n`,
    );
    expect(await curveOf(kept)).toEqual(await curveOf(whole));
    expect(await trainedOf(kept, done)).toEqual(await trainedOf(whole, always));
  },
);

test.each([
  ["a throw", "throw new Error('enough')", "reward.failed", /^letters, line 3, column \d+, row 3: Error: enough$/],
  ["no number", "return NaN", "reward.failed", /^letters, row 3: it gave NaN: a reward is a finite number$/],
  [
    "a call of the network",
    "fetch('/')",
    "reward.failed",
    /^letters, line 3, .*there is no network in a reward: fetch$/,
  ],
])("%s pauses the run after its last whole step, and says where", async (_, what, code, message) => {
  const kept = await newStore();
  const paused = await train(newRun(recipeWith(failingWith(what)), "bad"), kept);
  expect(paused).toMatchObject({ status: "paused", step: 3, checkpoint: 3, error: { code } });
  expect(paused.error?.message).toMatch(message);
  const [before, adapter] = [await curveOf(kept), await trainedOf(kept, paused)];
  // its count begins anew, so three more steps pass
  const again = await train(paused, kept);
  expect(again).toMatchObject({ status: "done", step: 6 });
  expect(again.changes ?? []).toEqual([]);
  expect((await curveOf(kept)).slice(0, before.length)).toEqual(before);
  expect(await trainedOf(kept, again)).not.toEqual(adapter);
});

test("a checkpoint of the last step of imitation goes on with rewards as if it had not been left", async () => {
  const recipe = recipeWith(right, { ...stages["at the first step after imitation"], checkpoints: { every: 3 } });
  const [whole, kept] = [await newStore(), await newStore()];
  const always = await train(newRun(recipe, "whole"), whole);
  const controls = newControls();
  const stopped = await train(
    newRun(recipe, "cut"),
    kept,
    undefined,
    (event) => {
      if (event.event === "step" && event.metrics.step === 5) controls.stop(false);
    },
    controls,
  );
  expect(stopped).toMatchObject({ status: "stopped", checkpoint: 3 });
  const done = await train(stopped, kept);
  expect(await curveOf(kept)).toEqual(await curveOf(whole));
  expect(await trainedOf(kept, done)).toEqual(await trainedOf(whole, always));
});

test("before the first checkpoint it begins again; what was changed is told all the same", async () => {
  const kept = await newStore();
  const paused = await train(newRun(recipeWith("() => undefined"), "bad"), kept);
  expect(paused).toMatchObject({ status: "paused", step: 0, checkpoint: 0, error: { code: "reward.failed" } });
  const still = await train(paused, kept, recipeWith("() => null + nothing"));
  expect(still).toMatchObject({ status: "paused", step: 0 });
  expect(still.error?.message).toContain("nothing is not defined");
  const done = await train(still, kept, recipeWith(right));
  expect(done).toMatchObject({ status: "done", step: 6 });
  expect(done.changes?.map(({ step, after }) => [step, after])).toEqual([
    [0, "() => null + nothing"],
    [0, right],
  ]);
  const log = await readFile(path.join(kept.folder, "metrics.jsonl"), "utf8");
  expect(log.match(/"event":"change"/g)).toHaveLength(2);
});

test("nothing but the code may change", async () => {
  const kept = await newStore();
  const run = newRun(recipeWith(right), "right");
  const other = recipeWith(right);
  await expect(train(run, kept, { ...other, seed: 7 })).rejects.toMatchObject({
    code: "recipe.invalid",
    message: "seed: only the code of a reward can change within a run",
  });
  const heavier = recipeWith(right);
  if (heavier.objective.kind === "grpo") Object.assign(heavier.objective.rewards[1] ?? {}, { weight: 3 });
  await expect(train(run, kept, heavier)).rejects.toMatchObject({
    message: "objective.rewards.1.weight: only the code of a reward can change within a run",
  });
  expect(await readRunFolder(kept.folder)).toBeNull();
});

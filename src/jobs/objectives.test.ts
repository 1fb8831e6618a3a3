/** @file Every objective on a small random model, for real: it learns what it is for, and goes on to the bit where it was cut. */

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import type { Example } from "../core/dataset";
import type { GroupStep, StepMetrics } from "../core/metrics";
import { newObjective, newSampledPairs, type Objective, rewardsOf } from "../core/objective";
import { newRecipe, parseRecipe, type Recipe } from "../core/recipe";
import { newReward } from "../core/reward";
import { newTurns } from "../core/turns";
import { newDocument } from "../data/mask";
import { solutionParts } from "../data/solutionParts";
import { deviceMemory, openDevice } from "../kernels/device";
import { parseCheckpoint, type Tensors } from "./checkpoint";
import { newControls } from "./controls";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import { prepareData } from "./prepareData";
import { newScorer } from "./rewards";
import type { TrainEvent } from "./session";
import { newTinyModel } from "./tinyModel";
import { train } from "./train";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 }); // seconds, where nothing else runs

let model: LoadedModel;
beforeAll(async () => {
  await openDevice("wasm");
  model = await loadModel(newTinyModel());
});
afterAll(() => {
  unloadModel(model);
});

const digits = Array.from({ length: 30 }, (_, i): [number, number] => [(i * 7) % 10, (i * 3) % 10]);
const pairs = digits.map(([a, b]): Example => ({ prompt: `${a}+${b}`, completion: "7".repeat(4), rejected: "31" }));
const judged = digits.map(
  ([a, b], i): Example => ({ prompt: `${a}+${b}`, completion: i % 2 ? "7777" : "31", label: i % 2 === 1 }),
);
const asked = digits.map(([a, b]): Example => ({ prompt: `${a}+${b}`, completion: `#### ${a + b}` }));

const sampling = { temperature: { start: 1, end: 0.7 }, topK: 0, topP: 1, minP: 0, maxTokens: 6, stop: [] };
/** Printable letters, as many as there is room for: something a policy can find out by itself. */
const letters = newReward("own", {
  name: "letters",
  weight: 1,
  code: "function reward({ completion }) { return (completion.match(/[ -~]/g) || []).length; }",
});
const rolloutsOf = () => ({ completions: 6, sampling, rewards: [letters] });
const rollouts = { ...rolloutsOf(), prompts: 3 };

const objectives: Record<string, { objective: Objective; examples: Example[]; changes?: Partial<Recipe> }> = {
  dpo: { objective: newObjective("dpo"), examples: pairs },
  ipo: { objective: newObjective("dpo", { loss: "ipo" }), examples: pairs },
  kto: { objective: newObjective("kto"), examples: judged },
  reward: { objective: newObjective("reward"), examples: pairs },
  grpo: { objective: newObjective("grpo", { ...rollouts, beta: 0.01, updates: 2 }), examples: asked },
  "grpo after imitation": {
    objective: newObjective("grpo", rollouts),
    examples: asked,
    changes: { sftFirst: { rows: 8, steps: 5, learningRate: 0.01 } },
  },
  ppo: { objective: newObjective("ppo", rollouts), examples: asked },
  "ppo with replay": {
    objective: newObjective("ppo", { ...rollouts, entropyWeight: 0.01, replay: { capacity: 30, share: 0.3 } }),
    examples: asked,
  },
  "ppo after imitation": {
    objective: newObjective("ppo", rollouts),
    examples: asked,
    changes: { sftFirst: { rows: 8, steps: 5, learningRate: 0.01 } },
  },
  "dpo of its own answers": {
    objective: newObjective("dpo", { sampled: { ...newSampledPairs(), ...rolloutsOf(), pairs: 12 } }),
    examples: asked,
    changes: { sftFirst: { rows: 8, steps: 5, learningRate: 0.01 } },
  },
  rejection: { objective: newObjective("rejection", { ...rollouts, keep: "best", threshold: 1 }), examples: asked },
};

function recipeFor(objective: Objective, changes: Partial<Recipe> = {}): Recipe {
  const recipe = newRecipe();
  return parseRecipe({
    ...recipe,
    template: { prompt: "{prompt}", completion: " {completion}" },
    adaptation: [newMethod("lora", { rank: 4, alpha: 8 })],
    objective,
    batching: { rows: 8, accumulation: 1, contextLength: 64, mode: "bucket" },
    optimizer: { ...recipe.optimizer, learningRate: 0.01 },
    schedule: { kind: "constant", steps: 8, warmupSteps: 0 },
    evaluation: { every: 4, rows: 2, lossRows: 6, maxTokens: 4, samples: 1, patience: 0 },
    checkpoints: { every: 3 },
    ...changes,
  });
}

async function run(recipe: Recipe, examples: Example[], given: { checkpoint?: Uint8Array; start?: Tensors } = {}) {
  const controls = newControls();
  const preparing = prepareData({ examples, heldout: examples.slice(0, 6) }, recipe, model, controls.signal);
  let prepared = await preparing.next();
  while (!prepared.done) prepared = await preparing.next();
  const { objective } = recipe;
  const rewards = rewardsOf(objective);
  const scorer = rewards ? newScorer(rewards) : null;
  const { checkpoint = null, start = null } = given;
  const inputs = { recipe, model, data: prepared.value, checkpoint, start, scorer, controls, turns: newTurns() };
  const events: TrainEvent[] = [];
  const files = new Map<number, Uint8Array>();
  for await (const event of train(inputs)) {
    events.push(event);
    if (event.event === "state") files.set(event.state.step, event.bytes);
  }
  scorer?.close();
  return {
    files,
    steps: events.flatMap((e) => (e.event === "step" ? [e.metrics] : [])),
    evals: events.flatMap((e) => (e.event === "eval" ? [e.metrics] : [])),
    groups: events.flatMap((e): GroupStep[] => (e.event === "groups" ? [e.groups] : [])),
  };
}

/** All but the clock. */
const curve = (steps: StepMetrics[]) =>
  steps.map(({ seconds: _, tokens_per_second: __, ...metrics }) => Object.entries(metrics).sort());

describe.each(Object.entries(objectives))("%s", (_, { objective, examples, changes }) => {
  test("goes on from a checkpoint to the bit, and tensors stay flat", async () => {
    const recipe = recipeFor(objective, changes);
    const before = deviceMemory().tensors;
    const whole = await run(recipe, examples);
    const [cut, ...later] = [...whole.files.keys()];
    for (const step of [cut, later.at(-2)].filter((each) => each !== undefined)) {
      const rest = await run(recipe, examples, { checkpoint: whole.files.get(step) ?? new Uint8Array() });
      expect(curve(rest.steps)).toEqual(curve(whole.steps.filter((each) => each.step > step)));
      const last = [...whole.files.keys()].at(-1) ?? 0;
      const [a, b] = [rest, whole].map(({ files }) => parseCheckpoint(files.get(last) ?? new Uint8Array()));
      expect(a?.adapter).toEqual(b?.adapter);
    }
    expect(deviceMemory().tensors).toBe(before);
  });
});

describe("what it is for is learnt", () => {
  const longer = { schedule: { kind: "constant", steps: 30, warmupSteps: 0 } } as const;

  test.each(["dpo", "ipo", "reward"] as const)("%s tells the chosen answers from the rejected ones", async (name) => {
    const { objective, examples } = objectives[name] as (typeof objectives)[string];
    const { evals, steps } = await run(recipeFor(objective, longer), examples);
    expect(evals.at(-1)?.["rewards/accuracies"]).toBe(1);
    expect(evals.at(-1)?.["rewards/margins"]).toBeGreaterThan((evals[0]?.["rewards/margins"] ?? 0) + 0.1);
    expect(steps.at(-1)?.["train/loss"]).toBeLessThan(steps[0]?.["train/loss"] ?? 0);
  });

  test("kto rates desirable answers above the others", async () => {
    const { steps, evals } = await run(recipeFor(newObjective("kto"), longer), judged);
    const { "rewards/chosen": chosen = 0, "rewards/rejected": rejected = 0 } = steps.at(-1) ?? {};
    expect(chosen).toBeGreaterThan(rejected + 0.1);
    expect(evals.at(-1)?.["eval/loss"]).toBeLessThan(evals[0]?.["eval/loss"] ?? 0);
  });

  test.each(["grpo", "ppo", "rejection"] as const)("%s finds out what is rewarded", async (name) => {
    const { objective, examples } = objectives[name] as (typeof objectives)[string];
    const optimizer = { ...newRecipe().optimizer, learningRate: 0.06 };
    const { steps } = await run(
      recipeFor(objective, { schedule: { ...longer.schedule, steps: 40 }, optimizer }),
      examples,
    );
    const mean = (some: StepMetrics[]) => some.reduce((sum, { reward = 0 }) => sum + reward, 0) / some.length;
    expect(mean(steps.slice(-5))).toBeGreaterThan(mean(steps.slice(0, 5)) + 0.5);
  });
});

test("groups hold what was written, and what it was worth", async () => {
  const { groups, steps } = await run(recipeFor(newObjective("grpo", rollouts)), asked);
  expect(groups.map(({ step }) => step)).toEqual(steps.map(({ step }) => step));
  const [first] = groups;
  expect(first?.rewardNames).toEqual(["letters"]);
  expect(first?.groups.map(({ completions }) => completions.length)).toEqual([6, 6, 6]);
  for (const { completions } of first?.groups ?? []) {
    const rewards = completions.map(({ reward }) => reward);
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
    for (const { tokens, reward, rewards: each, advantages } of completions) {
      expect(each).toEqual([reward]);
      expect(tokens.filter((token) => /^[ -~]$/.test(token)).length).toBe(reward);
      if (reward !== mean) expect(Math.sign(advantages[0] ?? 0)).toBe(Math.sign(reward - mean));
    }
  }
});

test("a run begins as what it is told to, which is then its reference", async () => {
  const first = await run(recipeFor(newObjective("dpo")), pairs);
  const start = parseCheckpoint(first.files.get(8) ?? new Uint8Array()).adapter;
  const recipe = recipeFor(newObjective("dpo"), { start: "adapter:first" });
  const { steps, files } = await run(recipe, pairs, { start });
  // The policy is its own reference at first.
  expect(steps[0]?.["train/loss"]).toBeCloseTo(Math.log(2), 4);
  expect(parseCheckpoint(files.get(8) ?? new Uint8Array()).reference).toEqual(start);
});

test("where all answers of all groups are worth the same, nothing moves", async () => {
  const same = newReward("own", { name: "same", code: "() => 1" });
  const { steps, files } = await run(recipeFor(newObjective("grpo", { ...rollouts, rewards: [same] })), asked);
  expect(steps.every((each) => each["train/grad_norm"] === 0 && each.frac_reward_zero_std === 1)).toBe(true);
  const { adapter } = parseCheckpoint(files.get(8) ?? new Uint8Array());
  const moved = [...adapter].filter(([name]) => name.includes("lora_B")).flatMap(([, { values }]) => [...values]);
  expect(moved.every((value) => value === 0)).toBe(true);
});

test("a reward that fails ends the run with its line, and the last checkpoint stands", async () => {
  const code = "let asked = 0;\nfunction reward() {\n  if (++asked > 60) throw new Error('enough');\n  return 1;\n}";
  const failing = newObjective("grpo", { ...rollouts, rewards: [newReward("own", { name: "mine", code })] });
  const files: number[] = [];
  const recipe = recipeFor(failing);
  const controls = newControls();
  const preparing = prepareData({ examples: asked, heldout: null }, recipe, model, controls.signal);
  let prepared = await preparing.next();
  while (!prepared.done) prepared = await preparing.next();
  const scorer = newScorer(failing.rewards);
  const inputs = { recipe, model, data: prepared.value, checkpoint: null, scorer, controls, turns: newTurns() };
  const ends = async () => {
    for await (const event of train(inputs)) if (event.event === "state") files.push(event.state.step);
  };
  await expect(ends()).rejects.toMatchObject({
    code: "reward.failed",
    message: expect.stringContaining("line 3") as string,
  });
  expect(files).toEqual([3]);
  scorer.close();
});

test("with a step weight the loss is that of both parts, each a mean over its own tokens", async () => {
  const solutions = digits.map(([a, b]): Example => ({ prompt: `${a}+${b}`, completion: `1+1=2 so\n#### ${a + b}` }));
  const { tokenizer } = model;
  const [first] = solutions as [Example];
  const document = newDocument(first, recipeFor(newObjective("sft")).template, tokenizer, "completion", 64);
  const parts = solutionParts(document, first, tokenizer);
  const text = (part: number) => tokenizer.decode(document.tokens.filter((_, i) => parts[i] === part));
  expect([text(1), text(2)]).toEqual([" 1+1=2 so\n", "#### 0"]);

  // Full batches of all rows: the first loss is the same documents' whatever the weight.
  const loss = async (stepWeight: number) => {
    const recipe = recipeFor(newObjective("sft", { stepWeight }), {
      schedule: { kind: "constant", steps: 1, warmupSteps: 0 },
    });
    const { steps } = await run({ ...recipe, batching: { ...recipe.batching, rows: 30 } }, solutions);
    return steps[0]?.["train/loss"] ?? Number.NaN;
  };
  const [onlyFinal, onlySteps, both] = [await loss(0), await loss(1), await loss(0.3)];
  expect(onlyFinal).not.toBeCloseTo(onlySteps, 3);
  expect(both).toBeCloseTo(0.3 * onlySteps + 0.7 * onlyFinal, 4);
});

test("pass@k counts a problem that one of k answers solves", async () => {
  const easy = digits.map(([a, b]): Example => ({ prompt: `${a}+${b}`, completion: `#### ${(a + b) % 2}` }));
  const recipe = recipeFor(newObjective("sft"), { schedule: { kind: "constant", steps: 60, warmupSteps: 0 } });
  const evaluation = { ...recipe.evaluation, every: 60, rows: 6, maxTokens: 8, passAt: 8 };
  const adaptation = [newMethod("full")];
  const optimizer = { ...recipe.optimizer, learningRate: 0.02 };
  const { evals } = await run({ ...recipe, adaptation, evaluation, optimizer }, easy);
  expect(evals[0]).toMatchObject({ "gsm8k/pass": 0, pass_at: 8 });
  // Eight tries solve what one greedy answer may miss.
  expect(evals.at(-1)?.["gsm8k/pass"]).toBeGreaterThan(0.5);
});

/** @file A run shows the charts of what it measured, and no empty ones. */

import { expect, test } from "vitest";
import type { EvalMetrics, StepMetrics } from "../../core/metrics";
import { newObjective } from "../../core/objective";
import { newRecipe, type Recipe } from "../../core/recipe";
import { newReward } from "../../core/reward";
import { appendStep, newColumns } from "../../state/seriesColumns";
import { figureCurve, runAxis, stageMarks } from "./curves";
import { figurePanels, spreadlessGroups } from "./figurePanels";

const step = (n: number, figures: object): StepMetrics => ({
  step: n,
  "train/loss": 0,
  "train/grad_norm": 1,
  "train/learning_rate": 1e-3,
  "train/epoch": 0,
  tokens: 100,
  tokens_per_second: 50,
  seconds: n * 10,
  ...figures,
});
const evaluation = { step: 0, "gsm8k/strict": 0.5, "gsm8k/flexible": 0.6, exact_match: null, n: 10 } as EvalMetrics;
const columnsOf = (...steps: object[]) =>
  steps.reduce(
    (columns: ReturnType<typeof newColumns>, figures, i) => appendStep(columns, step(i + 1, figures)),
    newColumns(),
  );
const withObjective = (objective: Recipe["objective"]): Recipe => ({ ...newRecipe(), objective });
const seen = (recipe: Recipe, columns: ReturnType<typeof newColumns>, evals = [evaluation]) =>
  figurePanels({ recipe, columns, evals }).map(({ id, curves }) => [id, curves.map(({ figure }) => figure)]);

test("imitation has none, and rewards have none before their first step", () => {
  expect(seen(newRecipe(), columnsOf({}, {}))).toEqual([]);
  expect(seen(withObjective(newObjective("grpo")), newColumns())).toEqual([]);
});

test("GRPO: the reward beside accuracy, each reward by its name, what was measured and nothing else", () => {
  const rewards = [newReward("answer"), newReward("steps"), newReward("steps", { weight: 2 })];
  const recipe = withObjective(newObjective("grpo", { rewards }));
  const columns = columnsOf(
    {},
    {
      reward: 1,
      reward_std: 0.5,
      "rewards/answer/mean": 0.5,
      "rewards/steps/mean": 0.1,
      "rewards/steps 2/mean": 0.1,
      frac_reward_zero_std: 0.25,
      "clip_ratio/low_mean": 0,
      "clip_ratio/high_mean": 0.01,
      "clip_ratio/high_max": 0.5,
      kl: Number.NaN,
    },
  );
  expect(seen(recipe, columns)).toEqual([
    ["reward", ["reward", "gsm8k/strict", "gsm8k/flexible", "reward"]],
    ["components", ["rewards/answer/mean", "rewards/steps/mean", "rewards/steps 2/mean"]],
    ["spreadless", ["frac_reward_zero_std"]],
    ["clip", ["clip_ratio/low_mean", "clip_ratio/high_mean"]],
  ]);
  const passed = { ...evaluation, "gsm8k/pass": 0.7, pass_at: 4 };
  expect(seen(recipe, columns, [passed])[0]?.[1]).toContain("gsm8k/pass");
});

test("a sampling temperature that stays is no chart, one that falls is", () => {
  const columns = columnsOf({ "sampling/temperature": 1 });
  const { sampling } = newObjective("grpo");
  const falling = { ...sampling, temperature: { start: 1, end: 0.5 } };
  expect(seen(withObjective(newObjective("grpo")), columns)).toEqual([]);
  expect(seen(withObjective(newObjective("grpo", { sampling: falling })), columns)).toEqual([
    ["temperature", ["sampling/temperature"]],
  ]);
});

test("PPO: how far the updates of a step move, and what its value head is worth", () => {
  const columns = columnsOf({ "policy/approx_kl": 0.1, "value/clip_ratio": 0.2, "value/explained_variance": -0.1 });
  expect(seen(withObjective(newObjective("ppo")), columns)).toEqual([
    ["approxKl", ["policy/approx_kl"]],
    ["clip", ["value/clip_ratio"]],
    ["explained", ["value/explained_variance"]],
  ]);
});

test("DPO: accuracy and margin of pairs, in training and held out", () => {
  const columns = columnsOf({ "rewards/accuracies": 0.5, "rewards/margins": 0.1, "logps/chosen": -9 });
  const measured = { ...evaluation, "rewards/accuracies": 0.6 };
  expect(seen(withObjective(newObjective("dpo")), columns, [measured])).toEqual([
    ["preferred", ["rewards/accuracies", "rewards/accuracies", "rewards/accuracies"]],
    ["margins", ["rewards/margins", "rewards/margins"]],
    ["logps", ["logps/chosen"]],
  ]);
});

test("a reward model of several dimensions shows each one's accuracy and margin", () => {
  const dimensions = [
    { name: "helpful", weight: 1 },
    { name: "short", weight: 0.5 },
  ];
  const columns = columnsOf({
    "rewards/accuracies": 0.5,
    "rewards/helpful/accuracy": 0.4,
    "rewards/short/margin": 0.1,
  });
  expect(seen(withObjective(newObjective("reward", { dimensions })), columns)).toEqual([
    ["preferred", ["rewards/accuracies", "rewards/accuracies", "rewards/helpful/accuracy"]],
    ["margins", ["rewards/short/margin"]],
  ]);
});

test("the share of groups without spread is told as a count", () => {
  const recipe = withObjective(newObjective("grpo", { prompts: 8 }));
  expect(spreadlessGroups(recipe, 0.375)).toEqual({ count: 3, of: 8 });
  expect(spreadlessGroups(recipe, 1)).toEqual({ count: 8, of: 8 });
  expect(spreadlessGroups(recipe, null)).toBeNull();
  expect(spreadlessGroups(newRecipe(), 0.5)).toBeNull();
  const imitating = withObjective(newObjective("rejection"));
  expect(spreadlessGroups(imitating, 0.5)).toBeNull();
  expect(seen(imitating, columnsOf({ reward: 1, frac_reward_zero_std: 0.5 })).map(([id]) => id)).toEqual(["reward"]);
});

test("a figure's curve has its spread as a band, and the line between the stages stands where it was crossed", () => {
  const columns = columnsOf({}, { reward: 1, reward_std: 0.5 }, { reward: 2 });
  const series = { columns, evals: [] } as unknown as Parameters<typeof runAxis>[0];
  const drawing = { id: "x", label: "x", color: "red", look: "strong" } as const;
  const curve = figureCurve(columns, runAxis(series, "step", 10, false), "reward", drawing, "reward_std");
  expect([...Array.from(curve.y)]).toEqual([Number.NaN, 1, 2]);
  expect([...Array.from(curve.band ?? [])]).toEqual([Number.NaN, 0.5, Number.NaN]);
  const recipe = { ...withObjective(newObjective("grpo")), sftFirst: { rows: 1, steps: 2, learningRate: 1e-3 } };
  const time = runAxis(series, "time", 10, false);
  expect(stageMarks(columns, time, recipe, ["a", "b"])).toEqual([{ x: 20, tone: "stage", sides: ["a", "b"] }]);
  expect(stageMarks(columns, time, newRecipe())).toEqual([]);
});

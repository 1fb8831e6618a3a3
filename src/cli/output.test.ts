import { expect, test } from "vitest";
import type { EvalMetrics, StepMetrics } from "../core/metrics";
import { describeRewards } from "./output";

const step = { step: 5, "train/loss": 0.1 } as StepMetrics;
const evaluation = { step: 5, n: 100 } as EvalMetrics;

test("what a line says of rewards is what was measured, and no more", () => {
  expect(describeRewards(null, evaluation)).toEqual([]);
  expect(describeRewards(step, evaluation)).toEqual([]);
  const figures = { reward: 0.61, reward_std: 0.25, kl: 0.0123, frac_reward_zero_std: 0.375 };
  expect(describeRewards({ ...step, ...figures }, { ...evaluation, "gsm8k/pass": 0.8, pass_at: 4 })).toEqual([
    "pass@4 80.0 %",
    "reward 0.610 ± 0.250",
    "kl 0.0123",
    "no spread 37.5 %",
  ]);
  expect(describeRewards(step, { ...evaluation, "rewards/accuracies": 0.5 })).toEqual(["preferred 50.0 %"]);
});

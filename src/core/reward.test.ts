/** @file Rewards as a recipe has them: their names, what goes together, and errors that say where. */

import { describe, expect, test } from "vitest";
import { fromWire, toWire, type WireError } from "./errors";
import {
  newReward,
  newRewardError,
  type Reward,
  type RewardFault,
  rewardFault,
  rewardKinds,
  rewardNames,
  rewardSchema,
  wrongRewards,
} from "./reward";
import { sentence, textOf } from "./say";

test("every kind's defaults are valid, alone and through JSON", () => {
  for (const kind of rewardKinds) {
    const reward = newReward(kind);
    expect(rewardSchema.parse(JSON.parse(JSON.stringify(reward)))).toEqual(reward);
    expect(wrongRewards([reward])).toBeNull();
  }
});

test.each<[string, unknown]>([
  ["no kind", { weight: 1 }],
  ["a kind there is not", { kind: "beauty", weight: 1 }],
  ["no weight", { kind: "steps" }],
  ["a weight beyond 100", { kind: "steps", weight: 101 }],
  ["a weight that is no number", { kind: "steps", weight: Number.NaN }],
  ["a field there is not", { kind: "steps", weight: 1, target: 4 }],
  ["a target of 0", newReward("length", { target: 0 })],
  ["half a token", newReward("overlong", { margin: 0.5 })],
  ["a name with a slash, which would make two names of a curve", newReward("own", { name: "a/b" })],
  ["a name with a line break", newReward("own", { name: "a\nb" })],
  ["no name", newReward("own", { name: "" })],
  ["no code", newReward("own", { code: "" })],
  ["code without end", newReward("own", { code: "1".repeat(20_001) })],
])("%s is no reward", (_, reward) => {
  expect(rewardSchema.safeParse(reward).success).toBe(false);
});

describe("names", () => {
  test("are the kinds', the user's own and the dimension's", () => {
    const rewards: Reward[] = [
      newReward("answer"),
      newReward("own", { name: "brevity" }),
      newReward("model"),
      newReward("model", { dimension: "safety" }),
    ];
    expect(rewardNames(rewards)).toEqual(["answer", "brevity", "model", "safety"]);
  });

  test("are each its own, whatever the user's are", () => {
    const own = (name: string) => newReward("own", { name });
    expect(rewardNames([newReward("answer"), newReward("answer"), own("answer")])).toEqual([
      "answer",
      "answer 2",
      "answer 3",
    ]);
    const names = rewardNames([own("a"), own("a"), own("a 2"), own("a 2"), own("a")]);
    expect(names).toEqual(["a", "a 3", "a 2", "a 2 2", "a 4"]);
  });
});

test("a margin beyond the maximum and weights that are all 0 are told", () => {
  expect(wrongRewards([newReward("steps"), newReward("overlong", { maxTokens: 8, margin: 9 })])?.field).toBe(
    "1.margin",
  );
  expect(wrongRewards([newReward("steps", { weight: 0 })])?.field).toBe("0.weight");
  expect(wrongRewards([newReward("steps", { weight: 0 }), newReward("length")])).toBeNull();
});

test.each<[string, Partial<RewardFault>, string]>([
  ["both", { line: 3, column: 7, row: 0 }, "mine, line 3, column 7, row 1: it broke"],
  ["the line", { line: 3, column: 7 }, "mine, line 3, column 7: it broke"],
  ["the row", { row: 4 }, "mine, row 5: it broke"],
  ["neither", {}, "mine: it broke"],
])("a fault that knows %s is said, and read again behind the wire", (_, known, text) => {
  const fault: RewardFault = {
    name: "mine",
    what: sentence("it broke"),
    line: null,
    column: null,
    row: null,
    ...known,
  };
  const error = newRewardError("reward.failed", fault);
  expect(error.detail && textOf(error.detail)).toBe(text);
  expect(rewardFault(fromWire(JSON.parse(JSON.stringify(toWire(error))) as WireError))).toEqual(fault);
  expect(rewardFault(new Error(text))).toBeNull();
});

/** @file A list of rewards over rows: names, values, weighted sums, groups, and failures that are told with their place. */

import { afterEach, expect, test } from "vitest";
import { newReward, type Reward, rewardFault, type ScoredRow } from "../core/reward";
import { newScorer, type Scorer, tryRewards } from "./rewards";

const row = (completion: string, changes: Partial<ScoredRow> = {}): ScoredRow => ({
  prompt: "Ann has 48 eggs and sells half of them. How many are left?",
  completion,
  reference: "<<48/2=24>>24\n#### 24",
  tokens: 10,
  finished: true,
  ...changes,
});

const open: Scorer[] = [];
const scorerOf = (...[rewards, options]: Parameters<typeof newScorer>) => {
  const scorer = newScorer(rewards, options);
  open.push(scorer);
  return scorer;
};
afterEach(() => {
  for (const scorer of open.splice(0)) scorer.close();
});

test("values stand by row and reward, and the sum leaves out what does not apply", async () => {
  const rewards: Reward[] = [
    newReward("answer", { weight: 2 }),
    newReward("format", { weight: 0.5 }),
    newReward("answer", { weight: 1, rule: "flexible" }),
    newReward("own", { name: "short", weight: -0.1, code: "({ completion }) => completion.length" }),
  ];
  const { names, values, total } = await scorerOf(rewards).score([
    row("#### 24"),
    row("24"),
    row(""),
    row("#### 24", { reference: null }),
  ]);
  expect(names).toEqual(["answer", "format", "answer 2", "short"]);
  expect(values).toEqual([
    [1, 1, 1, 7],
    [0, 0, 1, 2],
    [0, 0, 0, 0],
    [null, 1, null, 7],
  ]);
  const expected = [2 + 0.5 + 1 - 0.7, 1 - 0.2, 0, 0.5 - 0.7];
  for (const [i, sum] of total.entries()) expect(sum).toBeCloseTo(expected[i] ?? Number.NaN, 12);
});

test("no rows, and no rewards", async () => {
  expect(await scorerOf([newReward("steps")]).score([])).toEqual({ names: ["steps"], values: [], total: [] });
  expect(await scorerOf([]).score([row("x")])).toEqual({ names: [], values: [[]], total: [0] });
});

test("a function of groups is given those who share one, in whatever order", async () => {
  const code = "function rewards(rows) { return rows.map((row) => rows.length * 10 + row.tokens); }";
  const scorer = scorerOf([newReward("own", { code })]);
  const rows = [1, 0, 1, 1].map((group, i) => row("x", { group, tokens: i }));
  expect((await scorer.score(rows)).total).toEqual([30, 11, 32, 33]);
  expect((await scorer.score(rows.map(({ group: _, ...plain }) => plain))).total).toEqual([40, 41, 42, 43]);
});

test("a failing function is told with its name, line and row; the next rows are rated", async () => {
  const code = "function reward({ completion }) {\n  return completion.split('=')[1].length;\n}";
  const scorer = scorerOf([newReward("steps"), newReward("own", { name: "mine", code })]);
  const error: unknown = await scorer.score([row("a=b"), row("ab")]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "reward.failed" });
  expect(rewardFault(error)).toMatchObject({ name: "mine", line: 2, row: 1 });
  expect((await scorer.score([row("a=bcd")])).total).toEqual([3]);
});

test("a loop without end is stopped by the scorer's deadline", async () => {
  const scorer = scorerOf([newReward("own", { code: "() => { for (;;); }" })], { deadline: 200 });
  await expect(scorer.score([row("x")])).rejects.toMatchObject({ code: "jail.slow" });
});

test("a reward model is asked once for all rows; without one the list is refused", async () => {
  const rewards = [newReward("model", { model: "run:1", dimension: "safety", weight: 3 })];
  const asked: number[] = [];
  const scorer = scorerOf(rewards, {
    rateByModel: ({ dimension }, rows) => {
      asked.push(rows.length);
      return Promise.resolve(rows.map(({ completion }) => (dimension === "safety" ? completion.length : null)));
    },
  });
  expect(await scorer.score([row("a"), row("bb")])).toEqual({
    names: ["safety"],
    values: [[1], [2]],
    total: [3, 6],
  });
  expect(asked).toEqual([2]);
  await expect(scorerOf(rewards).score([row("a")])).rejects.toMatchObject({ code: "model.missing" });
});

test("a list is tried on samples, its reward model left out", async () => {
  const rewards: Reward[] = [newReward("model", { weight: 5 }), newReward("own", { code: "() => 2" })];
  const { signal } = new AbortController();
  expect(await tryRewards({ rewards, rows: [row("a")] }, signal)).toEqual({
    names: ["model", "own"],
    values: [[null, 2]],
    total: [2],
  });
  const broken = { rewards: [newReward("own", { code: "() => {" })], rows: [row("a")] };
  const error: unknown = await tryRewards(broken, signal).catch((thrown: unknown) => thrown);
  expect(rewardFault(error)).toMatchObject({ name: "own", line: 1 });
});

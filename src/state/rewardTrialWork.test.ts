/** @file The trial of rewards: one question a pause, the newest list's answer, and the last values while a new list fails. */

import { expect, test, vi } from "vitest";
import { newRecipe } from "../core/recipe";
import { newReward, type Reward, type SampleRow, type Scores } from "../core/reward";
import type { Engine } from "./engine";
import { newRewardTrial } from "./rewardTrialWork";

const row: SampleRow = { kind: "empty", prompt: "", completion: "", reference: "", tokens: 0, finished: true };
const scoresOf = (rewards: Reward[]): Scores => ({
  names: rewards.map(({ kind }) => kind),
  values: [rewards.map(({ weight }) => weight)],
  total: [0],
});

/** Answers what it is asked, lists of a weight below 0 with an error, and writes down the calls. */
function newEngine(millis = 0) {
  const calls: string[] = [];
  const aborted: number[] = [];
  const call = async (name: string, args: { rewards?: Reward[] }, signal: AbortSignal) => {
    const { rewards = [] } = args;
    calls.push(name === "reward.try" ? `try ${rewards[0]?.weight}` : "samples");
    signal.addEventListener("abort", () => aborted.push(rewards[0]?.weight ?? 0));
    await new Promise((resolve) => setTimeout(resolve, millis));
    if (name === "reward.samples") return [row];
    if ((rewards[0]?.weight ?? 0) < 0) throw new Error("no");
    return scoresOf(rewards);
  };
  const trial = newRewardTrial(() => Promise.resolve({ call } as unknown as Engine));
  return { ...trial, calls, aborted };
}

const list = (weight: number) => [newReward("steps", { weight })];
const recipe = newRecipe();

test("typing asks once, for the newest list; samples are asked for once", async () => {
  vi.useFakeTimers();
  const { load, store, calls } = newEngine();
  for (const weight of [1, 2, 3]) {
    load(list(weight), recipe);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect([calls, store.getState().isWaiting]).toEqual([[], true]);
  await vi.advanceTimersByTimeAsync(300);
  expect(store.getState()).toEqual({ rows: [row], scores: scoresOf(list(3)), isWaiting: false, error: null });
  load(list(4), recipe);
  await vi.advanceTimersByTimeAsync(400);
  expect(calls).toEqual(["samples", "try 3", "try 4"]);
  load(list(4), newRecipe({ seed: 7 }));
  await vi.advanceTimersByTimeAsync(400);
  expect(calls).toHaveLength(3);
  load(list(4), newRecipe({ model: "model:1" }));
  await vi.advanceTimersByTimeAsync(400);
  expect(calls.slice(3)).toEqual(["samples", "try 4"]);
  vi.useRealTimers();
});

test("what is superseded is stopped and does not show; a failure leaves the last values", async () => {
  vi.useFakeTimers();
  const { load, store, calls, aborted, end } = newEngine(200);
  load(list(1), recipe);
  await vi.advanceTimersByTimeAsync(1000);
  load(list(2), recipe);
  await vi.advanceTimersByTimeAsync(350);
  load(list(-1), recipe);
  expect(aborted).toContain(2);
  await vi.advanceTimersByTimeAsync(1000);
  expect(calls).toEqual(["samples", "try 1", "try 2", "try -1"]);
  expect(store.getState()).toMatchObject({ scores: scoresOf(list(1)), isWaiting: false, error: { message: "no" } });
  load(list(5), recipe);
  end();
  await vi.advanceTimersByTimeAsync(1000);
  expect(store.getState()).toEqual({ rows: [], scores: null, isWaiting: false, error: null });
  expect(calls).toHaveLength(4);
  vi.useRealTimers();
});

/** @file Sample answers are what they are called: right, wrong, empty and without end. */

import { expect, test } from "vitest";
import { newReward, type Reward } from "../core/reward";
import { newRewardSamples } from "./rewardSamples";
import { tryRewards } from "./rewards";

const tokenizer = { encode: (text: string) => Array.from(text, (_, i) => i) };
const recipe = { template: { prompt: "Question: {prompt}\nAnswer:", completion: " {completion}" } };
const row = { prompt: "Half of 48?", completion: "She has <<48/2=24>>24.\n#### 24" };
const rewards: Reward[] = [newReward("answer"), newReward("format"), newReward("steps"), newReward("length")];

test("a row's four answers are rated as their names say", async () => {
  const samples = newRewardSamples({ row, recipe, written: [], tokenizer });
  expect(samples.map(({ kind }) => kind)).toEqual(["reference", "wrong", "empty", "rambling"]);
  const [reference, wrong, empty, rambling] = samples.map(({ completion }) => completion);
  expect([reference, wrong, empty]).toEqual([row.completion, "She has <<48/2=24>>24.\n#### 25", ""]);
  expect(rambling).toMatch(/^Let me think .*24\.\nLet me think [\s\S]*\nSo$/);
  expect(samples[0]?.prompt).toBe("Question: Half of 48?\nAnswer:");
  expect(samples.map(({ tokens, completion }) => tokens === completion.length)).toEqual([true, true, true, true]);
  const { values } = await tryRewards({ rewards, rows: samples }, new AbortController().signal);
  expect(values.map((each) => each.slice(0, 2))).toEqual([
    [1, 1],
    [0, 1],
    [0, 0],
    [0, 0],
  ]);
  expect(values[3]?.[3]).toBe(1);
});

test("bare answers, answers without a number, and no row", () => {
  const completions = (completion: string) =>
    newRewardSamples({ row: { prompt: "x", completion }, recipe, written: [], tokenizer }).map((s) => s.completion);
  expect(completions("72").slice(0, 2)).toEqual(["#### 72", "#### 73"]);
  expect(completions("Paris").slice(0, 3)).toEqual(["Paris", "#### 1", ""]);
  expect(completions(`#### ${"9".repeat(400)}`)[1]).toBe(`#### 1${"0".repeat(400)}`);
  expect(newRewardSamples({ row: undefined, recipe, written: [], tokenizer })).toEqual([]);
});

test("what a model has written comes behind", () => {
  const written = [{ prompt: "p", reference: "#### 1", completion: "one" }];
  expect(newRewardSamples({ row: undefined, recipe, written, tokenizer })).toEqual([
    { kind: "written", prompt: "p", reference: "#### 1", completion: "one", tokens: 3, finished: true },
  ]);
});

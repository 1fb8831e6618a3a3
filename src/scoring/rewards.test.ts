/** @file Rewards of texts: each at its borders, and what tries to be rated without deserving it. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { newReward, type RatedText, type RewardOf, rewardKinds } from "../core/reward";
import { knownNumbers, numbersIn } from "./numbers";
import { isTextReward, scoreText } from "./rewards";
import { parseSteps } from "./steps";

const text = (completion: string, changes: Partial<RatedText> = {}): RatedText => ({
  prompt: "Ann has 48 eggs and sells half of them. How many are left?",
  completion,
  reference: "<<48/2=24>>24\n#### 24",
  tokens: completion.length,
  finished: true,
  ...changes,
});

describe("the right answer", () => {
  test.each<[RewardOf<"answer">["rule"], string, number]>([
    ["strict", "so #### 24", 1],
    ["strict", "so 24", 0],
    ["strict", "#### 24 or #### 25", 1],
    ["strict", "#### 25 or #### 24", 0],
    ["strict", "", 0],
    ["flexible", "so 24", 1],
    ["flexible", "24, no, 25", 0],
    ["flexible", "", 0],
    ["exact", " <<48/2=24>>24\n####  24", 1],
    ["exact", "24", 0],
    ["exact", "", 0],
  ])("%s: %j is worth %d", (rule, completion, value) => {
    expect(scoreText(newReward("answer", { rule }), text(completion))).toBe(value);
  });

  test("does not apply without a reference, or without a number in it", () => {
    for (const rule of ["strict", "flexible"] as const) {
      const reward = newReward("answer", { rule });
      expect(scoreText(reward, text("#### 24", { reference: null }))).toBeNull();
      expect(scoreText(reward, text("#### 24", { reference: "Paris" }))).toBeNull();
    }
    const exact = newReward("answer", { rule: "exact" });
    expect(scoreText(exact, text("Paris", { reference: "Paris" }))).toBe(1);
    expect(scoreText(exact, text("Paris", { reference: null }))).toBeNull();
  });
});

describe("the mark of the answer", () => {
  const mark = newReward("format", { form: "answer-mark" });
  test.each<[string, number]>([
    ["x\n#### 24", 1],
    ["#### 24", 1],
    ["#### -1,024.50 \n", 1],
    ["", 0],
    ["24", 0],
    ["#### 24 eggs", 0],
    ["#### 24\nand more", 0],
    ["#### 24\n#### 24", 0],
    ["#### one #### 24", 0],
    ["##### 24", 0],
    ["####24", 0],
    ["####  24", 0],
    ["#### ", 0],
    ["#### $24", 0],
    ["#### 24.", 0],
    ["#### .", 0],
    [`${"x".repeat(10_000)}#### 24`, 1],
    ["#".repeat(10_000), 0],
    [`#### ${"1".repeat(10_000)}`, 0],
  ])("%j is worth %d", (completion, value) => {
    expect(scoreText(mark, text(completion))).toBe(value);
  });

  test("is nothing where the text was cut off, as the number may go on", () => {
    expect(scoreText(mark, text("#### 24", { finished: false }))).toBe(0);
  });
});

describe("think tags", () => {
  const think = newReward("format", { form: "think-tags" });
  test.each<[string, number]>([
    ["<think>48/2</think>24", 1],
    [" \n<think>\na\nb\n</think>\n\n24", 1],
    ["", 0],
    ["24", 0],
    ["<think></think>24", 0],
    ["<think> </think>24", 0],
    ["<think>48/2</think>", 0],
    ["<think>48/2</think> \n", 0],
    ["<think>48/2 24", 0],
    ["48/2</think>24", 0],
    ["</think>a<think>24", 0],
    ["So <think>48/2</think>24", 0],
    ["<think>a<think>b</think>c</think>24", 0],
    ["<think>a</think>b<think>c</think>24", 0],
    ["<THINK>a</THINK>24", 0],
    [`<think>${"x".repeat(10_000)}</think>24`, 1],
    ["<think>".repeat(10_000), 0],
  ])("%j is worth %d", (completion, value) => {
    expect(scoreText(think, text(completion))).toBe(value);
  });

  test("the opening one may stand in the prompt", () => {
    const prompt = "Question: …\n<think>\n";
    expect(scoreText(think, text("48/2</think>24", { prompt }))).toBe(1);
    expect(scoreText(think, text("<think>48/2</think>24", { prompt }))).toBe(0);
    expect(scoreText(think, text("48/2</think>24", { prompt, finished: false }))).toBe(0);
  });
});

describe("steps", () => {
  test.each<[string, number, number]>([
    ["", 0, 0],
    ["24", 0, 0],
    ["<<48/2=24>>", 1, 1],
    ["<<48/2=25>>", 0, 1],
    ["<<48/2=24>> <<24*3=72>>", 1, 0.5],
    ["<<48/2=24>> <<24+24=48>> <<48+48=96>>", 1, 1],
    ["<<17+4=21>> <<21+21=42>>", 1, 0.5],
    ["<<48/2=24>> <<x=24>>", 0.5, 1],
    ["<<48/2=24>>".repeat(1000), 1, 1],
    [`${"<<".repeat(5000)}48/2=24`, 0, 0],
  ])("of %j %d are right and %d hang together", (completion, right, grounded) => {
    expect(scoreText(newReward("steps"), text(completion))).toBe(right);
    expect(scoreText(newReward("consistency"), text(completion))).toBe(grounded);
  });

  test("numbers are known in digits, in words, as hundredths and as parts", () => {
    expect(numbersIn("1,200 and .5, 3 and 2.50 at 1,2")).toEqual([1200, 0.5, 3, 2.5, 1, 2]);
    const known = knownNumbers("Twenty boys, 15% and three quarters of a dozen");
    for (const number of [20, 15, 0.15, 3, 4, 0.25, 12, 60]) expect(known).toContain(number);
    for (const number of [5, 0.2, 0.75, 11]) expect(known).not.toContain(number);
  });

  const shared = process.env["ANNEAL_SHARED"] ?? "../shared";
  test.skipIf(!existsSync(shared) && !process.env["CI"])("of GSM8K's own nine in ten hang together", () => {
    const lines = readFileSync(path.join(shared, "data/gsm8k/train.jsonl"), "utf8").trim().split("\n");
    let [grounded, steps] = [0, 0];
    for (const line of lines) {
      const { question: prompt, answer: completion } = JSON.parse(line) as { question: string; answer: string };
      const written = parseSteps(completion).length;
      steps += written;
      grounded += written * (scoreText(newReward("consistency"), text(completion, { prompt })) ?? 0);
    }
    expect(steps).toBe(23_716);
    expect(grounded / steps).toBeGreaterThan(0.9);
  });
});

describe("length", () => {
  test.each<[number, number, number]>([
    [0, 1, 0],
    [50, 1, 0.5],
    [100, 1, 1],
    [101, 0.99, 1],
    [150, 0.5, 1],
    [200, 0, 1],
    [10_000, 0, 1],
  ])("%d tokens of 100 are worth %d to efficiency and %d to length", (tokens, efficient, long) => {
    const efficiency = newReward("efficiency", { unit: "tokens", target: 100 });
    expect(scoreText(efficiency, text("#### 24", { tokens }))).toBeCloseTo(efficient, 12);
    expect(scoreText(efficiency, text("#### 25", { tokens }))).toBe(0);
    expect(scoreText(newReward("length", { target: 100 }), text("", { tokens }))).toBe(long);
  });

  test("efficiency counts steps of right answers, and applies where there is something to compare with", () => {
    const efficiency = newReward("efficiency", { unit: "steps", target: 2 });
    const steps = (n: number) => text(`${"<<48/2=24>>".repeat(n)}#### 24`);
    expect([0, 1, 2, 3, 4, 5].map((n) => scoreText(efficiency, steps(n)))).toEqual([1, 1, 1, 0.5, 0, 0]);
    expect(scoreText(efficiency, text("Paris", { reference: "Paris" }))).toBe(1);
    expect(scoreText(efficiency, text("Rome", { reference: "Paris" }))).toBe(0);
    expect(scoreText(efficiency, text("24", { reference: null }))).toBeNull();
  });

  test.each<[number, number]>([
    [0, 0],
    [64, 0],
    [65, -1 / 32],
    [80, -0.5],
    [96, -1],
    [97, -1],
    [10_000, -1],
  ])("%d tokens of 96 with a margin of 32 cost %d", (tokens, value) => {
    expect(scoreText(newReward("overlong", { maxTokens: 96, margin: 32 }), text("", { tokens }))).toBe(value);
  });

  test("without a margin the last token is free, and the next costs all", () => {
    const overlong = newReward("overlong", { maxTokens: 96, margin: 0 });
    expect([95, 96, 97].map((tokens) => scoreText(overlong, text("", { tokens })))).toEqual([0, 0, -1]);
  });
});

test("every text reward gives a number within −1 … 1 or null for whatever is written", () => {
  const written = ["", " ", "\0", "####", "<<=>>", "<think>", "∞", "💥".repeat(5000), "-".repeat(10_000), "<<1/0=1>>"];
  for (const kind of rewardKinds) {
    const reward = newReward(kind);
    if (!isTextReward(reward)) continue;
    for (const completion of written) {
      for (const reference of [null, "", "#### ", "#### 24", completion]) {
        const value = scoreText(reward, text(completion, { reference, prompt: completion }));
        if (value !== null) expect(Math.abs(value)).toBeLessThanOrEqual(1);
      }
    }
  }
});

/** @file GSM8K's scores against lm-eval's answers and OpenAI's labels. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { extractFlexible, extractStrict, hasAnswer, isCorrect, scoreGsm8k, standardError } from "./gsm8k";

const shared = process.env["ANNEAL_SHARED"] ?? "../shared";
const withShared = test.skipIf(!existsSync(shared) && !process.env["CI"]);
const readLines = (file: string) =>
  readFileSync(path.join(shared, file), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

type Vector = {
  completion: string;
  gold_answer_field: string;
  strict: string;
  strict_correct: boolean;
  flexible: string;
  flexible_correct: boolean;
};

withShared("lm-eval's own answers on 24 completions", () => {
  const file = path.join(shared, "golden/gsm8k-extraction-vectors.json");
  const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];
  expect(vectors).toHaveLength(24);
  for (const vector of vectors) {
    expect(extractStrict(vector.completion), vector.completion).toBe(vector.strict);
    expect(extractFlexible(vector.completion), vector.completion).toBe(vector.flexible);
    expect(scoreGsm8k(vector.completion, vector.gold_answer_field), vector.completion).toEqual({
      strict: vector.strict_correct,
      flexible: vector.flexible_correct,
    });
  }
});

withShared("all 5,276 labels of example_model_solutions", () => {
  let labels = 0;
  for (const line of readLines("data/gsm8k/example_model_solutions.jsonl")) {
    for (const part of Object.values(line as Record<string, string | { is_correct: boolean; solution: string }>)) {
      if (typeof part === "string") continue;
      const truth = (line as { ground_truth: string }).ground_truth;
      labels++;
      if (isCorrect(extractFlexible(part.solution), extractFlexible(truth)) !== part.is_correct)
        expect.unreachable(part.solution);
    }
  }
  expect(labels).toBe(5276);
});

withShared("every reference of GSM8K has an answer and solves itself", () => {
  const references = readLines("data/gsm8k/test.jsonl").map((line) => (line as { answer: string }).answer);
  expect(references).toHaveLength(1319);
  for (const reference of references) {
    expect(hasAnswer(reference)).toBe(true);
    expect(scoreGsm8k(reference, reference)).toEqual({ strict: true, flexible: true });
  }
});

test("only the first mark counts strictly, only the last number flexibly", () => {
  expect(scoreGsm8k("#### 5 then #### 7", "#### 5")).toEqual({ strict: true, flexible: false });
  expect(scoreGsm8k("5 and so 7", "#### 7")).toEqual({ strict: false, flexible: true });
  expect(scoreGsm8k("", "#### 7")).toEqual({ strict: false, flexible: false });
});

test.each([
  ["72", "72", true, true],
  ["It is 72", "72", false, true],
  ["12*6=72\n#### 72", " 72\n", true, true],
  ["#### 71, no, 72", "72", false, true],
  [" 1234.\n", "$1,234", true, true],
  ["7", "72", false, false],
  ["", "72", false, false],
])("%j against a bare %j: strict %s, flexible %s", (completion, reference, strict, flexible) => {
  expect(scoreGsm8k(completion, reference)).toEqual({ strict, flexible });
});

test.each([
  ["#### 72", true],
  ["#### -3.5", true],
  ["#### $1,000", true],
  ["#### ", false],
  ["72", true],
  [" -1,234.5\n", true],
  ["$.5", true],
  ["72 apples", false],
  ["3/4", false],
  ["1.2.3", false],
  ["-", false],
  ["", false],
  ["a story", false],
])("%j has an answer: %s", (reference, has) => {
  expect(hasAnswer(reference)).toBe(has);
});

test("the standard error is the sample's", () => {
  const scores = [1, 0, 1, 1, 0];
  const p = 0.6;
  const variance = scores.reduce((sum, x) => sum + (x - p) ** 2, 0) / (scores.length - 1);
  expect(standardError(p, scores.length)).toBeCloseTo(Math.sqrt(variance / scores.length), 12);
  expect(standardError(1, 1)).toBe(0);
  expect(standardError(0, 0)).toBe(0);
});

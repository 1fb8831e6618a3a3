/** @file Written steps: GSM8K's own are right, spoiled ones are not, and nothing hostile gets through the parser. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluateArithmetic } from "./arithmetic";
import { parseSteps, validShare } from "./steps";

const shared = process.env["ANNEAL_SHARED"] ?? "../shared";

test.each([
  ["48/2", 24],
  ["100-50-30-15", 5],
  [".5*10", 5],
  ["2.*3", 6],
  ["1,000+5", 1005],
  ["20%*50", 10],
  ["(20%)*50", 10],
  ["(1+2)*3-4/2", 7],
  ["2(3+4)", 14],
  ["-5+8", 3],
  ["3*-2", -6],
  ["$5 × 2", 10],
  ["6 ÷ 3 − 1", 1],
  ["3x4", 12],
  ["7//2", 3],
])("%s is %d", (text, value) => {
  expect(evaluateArithmetic(text)).toBeCloseTo(value, 12);
});

test.each([
  "",
  "5+",
  "*5",
  "(5",
  "5)",
  "5 apples",
  "1/0",
  "alert(1)",
  "1e9",
  "()",
  "1,00",
  "((((".repeat(1000),
  "0x10+a",
  "..",
])("%j has no value", (text) => {
  expect(evaluateArithmetic(text)).toBeNaN();
});

type Made = { text: string; value: number };
const number = fc.integer({ min: 1, max: 999 }).map((n): Made => ({ text: String(n), value: n }));

/** Factors multiplied or divided from the left. */
const newProduct = (factor: fc.Arbitrary<Made>) =>
  fc.tuple(factor, fc.array(fc.tuple(fc.constantFrom("*", "/"), factor), { maxLength: 3 })).map(([first, rest]) => ({
    text: first.text + rest.map(([operator, { text }]) => operator + text).join(""),
    value: rest.reduce(
      (value, [operator, next]) => (operator === "*" ? value * next.value : value / next.value),
      first.value,
    ),
  }));

/** Products added or taken away from the left. */
const newSum = (factor: fc.Arbitrary<Made>) =>
  fc
    .tuple(newProduct(factor), fc.array(fc.tuple(fc.constantFrom("+", "-"), newProduct(factor)), { maxLength: 3 }))
    .map(([first, rest]) => ({
      text: first.text + rest.map(([operator, { text }]) => operator + text).join(""),
      value: rest.reduce(
        (value, [operator, next]) => value + (operator === "+" ? next.value : -next.value),
        first.value,
      ),
    }));

test("whole expressions have the value they were made with", () => {
  const inner = newSum(number).map(({ text, value }): Made => ({ text: `(${text})`, value }));
  fc.assert(
    fc.property(newSum(fc.oneof(number, inner)), ({ text, value }) => {
      if (Number.isFinite(value)) expect(evaluateArithmetic(text)).toBe(value);
      else expect(evaluateArithmetic(text)).toBeNaN();
    }),
    { seed: 4, numRuns: 2000 },
  );
});

test("a step says where it stands and what it claims", () => {
  const text = "so 48/2 = <<48/2=24>>24 and <<24+1=26>>26";
  const [first, second] = parseSteps(text);
  expect(first).toEqual({ text: "48/2=24", start: 10, end: 21, left: "48/2", value: 24, claimed: 24, right: true });
  expect(text.slice(first?.start, first?.end)).toBe("<<48/2=24>>");
  expect(second).toMatchObject({ value: 25, claimed: 26, right: false });
});

test.each([
  ["<<100-50-30-15=5>>", true],
  ["<<10/3=3.33>>", true],
  ["<<10/3=3.34>>", false],
  ["<<10/3=3>>", false],
  ["<<7/2=4>>", false],
  ["<<0.1+0.2=0.3>>", true],
  ["<<12/60=0.2>>", true],
  ["<<2*3=6=7>>", false],
  ["<<2*3=7=6>>", false],
  ["<<2*3=6=6>>", true],
  ["<<5>>", false],
  ["<<=5>>", false],
  ["<<a=a>>", false],
  ["<<5*$2=$10>>", true],
  ["<<5*20=100%>>", false],
])("%s is right: %s", (text, right) => {
  expect(parseSteps(text).map((step) => step.right)).toEqual([right]);
});

test("text without steps has no share; broken brackets are no steps", () => {
  expect(validShare("48/2=24")).toBeNull();
  expect(validShare("<<48/2=24> and <<1\n+1=2>> <<>>")).toBeNull();
  expect(validShare("<<1+1=2>> <<1+1=3>>")).toBe(0.5);
  expect(parseSteps(`<<<<1+1=2>>>>${"<<".repeat(50_000)}`)).toHaveLength(1);
});

test.skipIf(!existsSync(shared) && !process.env["CI"])(
  "all 23,716 steps of GSM8K's training file are read as right",
  () => {
    const text = readFileSync(path.join(shared, "data/gsm8k/train.jsonl"), "utf8");
    const steps = parseSteps(text);
    expect(steps.filter(({ right }) => !right)).toEqual([]);
    expect(steps).toHaveLength(text.match(/<</g)?.length ?? 0);
  },
);

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

test("whole expressions agree with the machine's own arithmetic", () => {
  const { tree } = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.integer({ min: 1, max: 999 }).map(String),
      fc.tuple(tie("tree"), fc.constantFrom("+", "-", "*", "/"), tie("tree")).map(([x, op, y]) => `(${x}${op}${y})`),
      fc
        .tuple(tie("tree"), fc.constantFrom("+", "-", "*", "/"), fc.integer({ min: 1, max: 99 }))
        .map((p) => p.join("")),
    ),
  }));
  fc.assert(
    fc.property(tree, (expression) => {
      const expected = new Function(`return ${expression}`)() as number; // the oracle; made of digits and signs only
      const value = evaluateArithmetic(expression);
      if (Number.isFinite(expected)) expect(value).toBe(expected);
      else expect(value).toBeNaN();
    }),
    { seed: 4, numRuns: 1000 },
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

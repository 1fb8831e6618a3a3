/** @file Examples are read as they ship, and questions come out of their template. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hasAnswer } from "../scoring/gsm8k";
import { parseExamples, stripTemplate } from "./chatExamples";

test("every held-out problem that ships can be asked and scored", () => {
  const text = readFileSync("public/embedded/heldout.jsonl", "utf8");
  const examples = parseExamples(text);
  expect(examples.length).toBeGreaterThan(100);
  expect(examples.every(({ prompt, reference }) => prompt !== "" && hasAnswer(reference))).toBe(true);
});

test("what the template adds is taken off, and nothing else", () => {
  const template = "Question: {prompt}\nAnswer:";
  expect(stripTemplate("Question: How many?\nAnswer:", template)).toBe("How many?");
  expect(stripTemplate("How many?", template)).toBe("How many?");
  expect(stripTemplate("Question: \nAnswer:", "Question: {prompt}\nAnswer:")).toBe("");
  expect(stripTemplate("  x ", "{prompt}")).toBe("x");
});

/** @file Worked rows before a question, and exact match. */

import { expect, test } from "vitest";
import { gsm8kTemplate } from "../core/recipe";
import { exactMatch } from "./exactMatch";
import { fewShotPrompt } from "./shots";

test("rows stand under the template, a blank line between, the question last and open", () => {
  const examples = [
    { prompt: "1+1?", completion: "$& 2\n#### 2" },
    { prompt: "{completion}", completion: "{prompt}" },
  ];
  expect(fewShotPrompt(examples, gsm8kTemplate, "2+2?")).toBe(
    "Question: 1+1?\nAnswer: $& 2\n#### 2\n\nQuestion: {completion}\nAnswer: {prompt}\n\nQuestion: 2+2?\nAnswer:",
  );
  expect(fewShotPrompt([], gsm8kTemplate, "2+2?")).toBe("Question: 2+2?\nAnswer:");
});

test.each([
  [" Paris\n", "Paris", true],
  ["New  York", "New York", true],
  ["e\u0301", "\u00e9", true],
  ["paris", "Paris", false],
  ["", "Paris", false],
])("%j is %j: %s", (completion, reference, same) => {
  expect(exactMatch(completion, reference)).toBe(same);
});

/** @file Steps and final answer of a solution, by its own marks and by hand, whatever the template puts around it. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Example } from "../core/dataset";
import { gsm8kTemplate } from "../core/recipe";
import { newDocument, newPreview } from "./mask";
import { finalStartAt, solutionParts } from "./solutionParts";
import { loadTokenizer } from "./tokenizer";

const readJson = (name: string) => JSON.parse(readFileSync(`public/embedded/${name}`, "utf8")) as unknown;
const tokenizer = loadTokenizer(readJson("tokenizer.json"), readJson("tokenizer_config.json"), []);
const chat = { prompt: "<user>{prompt}<assistant>", completion: "{completion}<end of turn>" };
const templates = [gsm8kTemplate, chat, { prompt: "{prompt}", completion: "<think>\n{completion}" }];

const documentOf = (example: Example, template = templates[0] ?? gsm8kTemplate) =>
  newDocument(example, template, tokenizer, "completion", 500);
/** The texts of both parts. */
function split(completion: string, finalStart?: number, template = templates[0] ?? gsm8kTemplate): [string, string] {
  const example: Example = { prompt: "p", completion, ...(finalStart === undefined ? {} : { finalStart }) };
  const document = documentOf(example, template);
  const parts = solutionParts(document, example, tokenizer);
  const text = (part: number) => tokenizer.decode(document.tokens.filter((_, i) => parts[i] === part));
  return [text(1), text(2)];
}

test.each([
  ["2+2=4\n#### 4", " 2+2=4\n", "#### 4"],
  ["so 4</think>It is 4.", " so 4", "</think>It is 4."],
  ["one #### 1</think>#### 2", " one #### 1", "</think>#### 2"],
  ["Step 1: 2+2=4\nFinal answer: 4", " Step 1: 2+2=4\n", "Final answer: 4"],
  ["步骤1:2+2=4\n最终答案:4", " 步骤1:2+2=4\n", "最终答案:4"],
  ["步骤1:2+2=4\n**最终答案**:4", " 步骤1:2+2=4\n", "**最终答案**:4"],
  ["my final answer: wait", "", " my final answer: wait"],
  ["just 4", "", " just 4"],
])("%j by its mark", (completion, steps, final) => {
  const parts = split(completion);
  // A mark may begin within a token; that token is the answer's.
  expect(parts.join("")).toBe(steps + final);
  expect(parts[1].trimStart()).toMatch(new RegExp(`${final.trim().replaceAll(/[*+.]/g, "\\$&")}$`));
  expect(parts[0].length).toBeLessThanOrEqual(steps.length);
  expect(steps.length - parts[0].length).toBeLessThan(3);
});

test("by hand, before any mark, in every template", () => {
  const completion = "2+2=4\n#### 4";
  for (const template of templates) {
    const [before = "", after = ""] = template.completion.split("{completion}");
    expect(split(completion, 3, template)).toEqual([`${before}2+2`, `=4\n#### 4${after}`]);
    expect(split(completion, completion.length, template)[0]).toBe(`${before}${completion}`);
    expect(split(completion, 0, template)).toEqual(["", `${before}${completion}${after}`]);
  }
});

test("a token chosen by hand is where the answer begins when the row is read again", () => {
  const text = fc.oneof(fc.constantFrom("2+2=4\n#### 4", "步骤1 é 🙂 done", "  spaced  "), fc.string({ minLength: 1 }));
  fc.assert(
    fc.property(text, fc.nat(), fc.constantFrom(...templates), (completion, chosen, template) => {
      const example: Example = { prompt: "p", completion };
      const document = documentOf(example, template);
      const first = document.promptLength + (chosen % (document.tokens.length - document.promptLength));
      const finalStart = finalStartAt(document, first, example, tokenizer);
      expect(finalStart).toBeGreaterThanOrEqual(0);
      expect(finalStart).toBeLessThanOrEqual(completion.length);
      const parts = solutionParts(document, { ...example, finalStart }, tokenizer);
      const found = parts.indexOf(2) < 0 ? document.tokens.length : parts.indexOf(2);
      // Tokens that hold no whole character of their own may go with either side; what the template adds is at an end.
      const textTo = (n: number) => tokenizer.decode(document.tokens.slice(document.promptLength, n));
      const lengthTo = (n: number) => textTo(n).replace(/\uFFFD+$/, "").length;
      const [before = ""] = template.completion.split("{completion}");
      const within = Math.min(before.length + completion.length, lengthTo(first));
      const chosenAt = within <= before.length ? 0 : within;
      expect(lengthTo(found)).toBe(textTo(found).length);
      expect(lengthTo(found)).toBeLessThanOrEqual(chosenAt);
      for (let n = found + 1; n <= document.tokens.length; n++) {
        const isMore = lengthTo(n) === textTo(n).length && lengthTo(n) > lengthTo(found);
        if (isMore) expect(lengthTo(n)).toBeGreaterThan(chosenAt);
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});

test("a preview says what each token of the answer belongs to, and of the prompt nothing", () => {
  const example: Example = { prompt: "p", completion: "1+1=2\n#### 2" };
  const document = documentOf(example);
  const parts = solutionParts(document, example, tokenizer);
  const { tokens } = newPreview({ ...document, parts }, tokenizer);
  expect(tokens.slice(0, document.promptLength).every(({ part }) => part === undefined)).toBe(true);
  expect(new Set(tokens.slice(document.promptLength).map(({ part }) => part))).toEqual(new Set(["steps", "final"]));
  expect(newPreview(document, tokenizer).tokens.some(({ part }) => part !== undefined)).toBe(false);
});

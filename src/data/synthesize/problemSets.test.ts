/** @file The problems are right, of the promised kinds, and no set shares one with another. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { multiStepForms, newProblemSets, oneStepForms, shippedSizes, sideOf, unseenForms } from "./problemSets";
import type { Problem } from "./story";

const sets = newProblemSets(1, shippedSizes);
const all: readonly Problem[] = [...sets.train, ...sets.heldout, ...sets.unseen];

function rowsOf(problems: readonly Problem[]): string {
  return problems.map(({ question, answer }) => `${JSON.stringify({ question, answer })}\n`).join("");
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe("forms", () => {
  it("are at least 30 trained and 8 unseen ones, each with its own name", () => {
    const ids = [...multiStepForms, ...oneStepForms, ...unseenForms].map((form) => form.id);
    expect(multiStepForms.length).toBeGreaterThanOrEqual(40);
    expect(unseenForms.length).toBeGreaterThanOrEqual(8);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("are all used, trained forms in the training and the held-out set, unseen forms in theirs alone", () => {
    const used = (problems: readonly Problem[]) => [...new Set(problems.map((p) => p.form))].sort();
    const trained = [...multiStepForms, ...oneStepForms].map((form) => form.id).sort();
    expect(used(sets.train)).toEqual(trained);
    expect(used(sets.heldout)).toEqual(trained);
    expect(used(sets.unseen)).toEqual(unseenForms.map((form) => form.id).sort());
  });
});

describe("problems", () => {
  it("have equations that are right, in positive whole numbers", () => {
    const wrong: string[] = [];
    for (const { answer } of all) {
      const equations = [...answer.matchAll(/<<(\d+)([-+*/])(\d+)=(\d+)>>(\d+)/g)];
      const isRight = equations.every(([, left, sign, right, result, repeated]) => {
        const [a, b] = [Number(left), Number(right)];
        const value = sign === "+" ? a + b : sign === "-" ? a - b : sign === "*" ? a * b : a / b;
        return value === Number(result) && result === repeated && value > 0 && Number.isInteger(value);
      });
      if (!isRight || equations.length !== answer.split("\n").length - 1) wrong.push(answer);
    }
    expect(wrong).toEqual([]);
  });

  it("end with the last equation's result, after ####", () => {
    const wrong = all.filter(({ answer }) => {
      const last = [...answer.matchAll(/=(\d+)>>/g)].at(-1)?.[1];
      return answer.split("\n").at(-1) !== `#### ${String(last)}`;
    });
    expect(wrong).toEqual([]);
  });

  it("give every number that a step uses in the question, as a word for it, or as an earlier result", () => {
    const words: Readonly<Record<string, RegExp>> = {
      2: /twice|half/,
      3: /three times|a third/,
      4: /four times|a quarter/,
      5: /five times|a fifth/,
    };
    const wrong: string[] = [];
    for (const { question, steps } of all) {
      const known = new Set([...question.matchAll(/\d+/g)].map(([digits]) => Number(digits)));
      for (const { left, right, result } of steps) {
        for (const value of [left, right]) {
          if (!known.has(value) && words[String(value)]?.test(question) !== true) wrong.push(question);
        }
        known.add(result);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("take one to four steps, one step in at most six of a hundred", () => {
    for (const problems of Object.values(sets)) {
      const counts = problems.map((p) => p.steps.length);
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
      expect(Math.max(...counts)).toBeLessThanOrEqual(4);
      expect(counts.filter((count) => count === 1).length).toBeLessThanOrEqual(0.06 * counts.length);
    }
  });

  it("are short and free of marks and of doubled words", () => {
    const wrong = all.filter(({ question, answer }) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the marks are control characters
      const stray = /[\u0001\u0002_]|undefined|NaN| {2}|\b([a-z]+) \1\b/.test(`${question}\n${answer}`);
      return stray || question.split(" ").length > 50 || !/^[A-Z0-9].*\?$/.test(question);
    });
    expect(wrong).toEqual([]);
  });
});

describe("sets", () => {
  it("share no problem once names and nouns are masked", () => {
    for (const name of ["key", "masked"] as const) {
      const [train, heldout, unseen] = [sets.train, sets.heldout, sets.unseen].map(
        (s) => new Set(s.map((p) => p[name])),
      );
      if (!train || !heldout || !unseen) throw new Error("a set is missing");
      expect([...heldout].filter((key) => train.has(key) || unseen.has(key))).toEqual([]);
      expect([...unseen].filter((key) => train.has(key))).toEqual([]);
    }
    expect(new Set(all.map((p) => p.key)).size).toBe(all.length);
  });

  it("keep to their side", () => {
    expect(sets.train.every((p) => sideOf(p) === "train")).toBe(true);
    expect(sets.heldout.every((p) => sideOf(p) === "heldout")).toBe(true);
  });

  it("mask every name, noun and unit", () => {
    const words = new Set(sets.train.flatMap((p) => p.masked.match(/\b[A-Z][a-z]+\b/g) ?? []));
    for (const name of ["Ann", "Ben", "Clara", "Victor", "She", "He"]) expect(words.has(name)).toBe(false);
    expect(sets.train.some((p) => /\b(miles|pens|boxes|cousins)\b/.test(p.masked))).toBe(false);
  });

  it("come out the same again, and are the files that ship", () => {
    const again = newProblemSets(1, { train: 300, heldout: 100, unseen: 100 });
    const other = newProblemSets(2, { train: 50, heldout: 50, unseen: 50 });
    for (const name of ["train", "heldout", "unseen"] as const) {
      const text = rowsOf(sets[name]);
      expect(text.startsWith(rowsOf(again[name]))).toBe(true);
      expect(hashOf(readFileSync(`public/embedded/${name}.jsonl`, "utf8"))).toBe(hashOf(text));
      expect(text.startsWith(rowsOf(other[name]))).toBe(false);
    }
  });
});

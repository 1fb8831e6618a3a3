/** @file Rows that judge answers: what is imitated, and what may stand as the right answer. */

import { expect, test } from "vitest";
import type { Example } from "../core/dataset";
import { newObjective } from "../core/objective";
import { newRecipe } from "../core/recipe";
import { scoringOf, splitSource } from "./prepareData";

const judged = (count: number): Example[] =>
  Array.from({ length: count }, (_, i) => ({ prompt: `p${i}`, completion: `${i}`, label: i % 3 === 0 }));
const sft = newRecipe();
const kto = newRecipe({ objective: newObjective("kto") });

test("imitation takes the rows that are labelled good, judgement takes all", () => {
  const examples = judged(60);
  const imitated = splitSource({ examples, heldout: null }, sft);
  const rows = [...imitated.train, ...imitated.heldout];
  expect(rows).toHaveLength(20);
  expect(rows.every(({ label }) => label)).toBe(true);
  expect(imitated.heldout.length).toBeGreaterThan(0);
  const all = splitSource({ examples, heldout: null }, kto);
  expect([...all.train, ...all.heldout]).toHaveLength(60);
});

test("a preference's chosen answer is imitated, and a row without label is as before", () => {
  const examples: Example[] = [
    { prompt: "p", completion: "a", rejected: "b" },
    { prompt: "q", completion: "c" },
  ];
  const { train, heldout } = splitSource({ examples, heldout: null }, sft);
  expect([...train, ...heldout].map(({ completion }) => completion).sort()).toEqual(["a", "c"]);
});

test("nothing but bad answers cannot be imitated, and it is said why", () => {
  const examples: Example[] = [{ prompt: "p", completion: "c", label: false }];
  expect(() => splitSource({ examples, heldout: null }, sft)).toThrow(
    expect.objectContaining({ code: "run.rows", message: expect.stringMatching(/labelled as bad/) as string }) as Error,
  );
});

test("what is called bad says nothing of how answers are scored", () => {
  const bad: Example = { prompt: "p", completion: "a long story ".repeat(20), label: false };
  expect(scoringOf([bad, { prompt: "p", completion: "#### 3", label: true }])).toBe("gsm8k");
  expect(scoringOf([bad])).toBe("none");
});

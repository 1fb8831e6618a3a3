/** @file A row's own word on where its answer begins: read, refused, found by name and values, moved with its answer. */

import { expect, test } from "vitest";
import type { Mapping, Row } from "../core/dataset";
import { toExample } from "./example";
import { findFinalStartColumn } from "./finalStart";
import { detectMapping } from "./import/detectMapping";
import { shuffleAnswers } from "./split";

const mapping: Mapping = {
  format: "gsm8k",
  prompt: ["question"],
  completion: "answer",
  turns: "",
  finalStart: "final_start",
};
const row = (final_start: unknown): Row => ({ question: "q", answer: "1+1=2, so 2", final_start });

test.each([
  [7, 7],
  ["7", 7],
  [0, 0],
  [11, 11],
])("%j is a place in the answer", (cell, place) => {
  expect(toExample(row(cell), mapping).finalStart).toBe(place);
});

test.each([null, undefined, "", "  "])("%j says nothing", (cell) => {
  expect(toExample(row(cell), mapping)).toEqual({ prompt: "q", completion: "1+1=2, so 2" });
});

test.each([
  [12, /12 is beyond the answer, which has 11 characters/],
  [-1, /not a place in the answer: -1/],
  [1.5, /not a place in the answer: 1.5/],
  ["7th", /not a place in the answer: "7th"/],
  [true, /not a place/],
  [[7], /not a place/],
  [Number.NaN, /not a place/],
])("%j is refused", (cell, message) => {
  expect(() => toExample(row(cell), mapping)).toThrow(
    expect.objectContaining({ code: "dataset.row", message: expect.stringMatching(message) as string }) as Error,
  );
});

test("the column is found where it holds places and nothing else", () => {
  const columns = ["question", "answer", "final_start"];
  expect(detectMapping(columns, [row(undefined), row(3)]).mapping).toEqual({
    ...mapping,
    format: "prompt-completion",
  });
  expect(findFinalStartColumn(columns, [row(3), row(null), row("4")])).toBe("final_start");
  expect(findFinalStartColumn(columns, [row(3), row("soon")])).toBeNull();
  expect(findFinalStartColumn(columns, [row(null)])).toBeNull();
  expect(findFinalStartColumn(["question"], [row(3)])).toBeNull();
});

test("shuffled answers take their places with them", () => {
  const examples = [0, 1, 2, 3].map((i) => ({
    prompt: `q${i}`,
    completion: `a${i}`,
    ...(i % 2 ? { finalStart: i } : {}),
  }));
  for (const { completion, finalStart } of shuffleAnswers(examples, 3)) {
    expect(finalStart).toBe(examples.find((each) => each.completion === completion)?.finalStart);
  }
});

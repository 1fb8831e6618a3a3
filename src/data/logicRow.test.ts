/** @file The spans that rows bring along: read in either form, found by name and shape, refused with a reason. */

import { describe, expect, test } from "vitest";
import type { Mapping, Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import { textOf } from "../core/say";
import { toExample } from "./example";
import { columnsOf, detectMapping } from "./import/detectMapping";
import { tryExample } from "./import/tryExample";
import { distract, logicSpansOf } from "./synthesize/distract";
import { newProblemSets } from "./synthesize/problemSets";
import { newRandom } from "./synthesize/random";

const mapping: Mapping = {
  format: "prompt-completion",
  prompt: ["p"],
  completion: "c",
  turns: "",
  spans: "logic_spans",
};
const rowWith = (logic_spans: unknown): Row => ({ p: "0123456789", c: "x", logic_spans });

test.each([
  [
    [
      [0, 2],
      [5, 10],
    ],
    [
      [0, 2],
      [5, 10],
    ],
  ],
  [
    [
      [5, 10],
      [0, 2],
      [1, 3],
    ],
    [
      [0, 3],
      [5, 10],
    ],
  ],
  [
    [
      { start: 0, end: 2 },
      { start: 4, end: 5, label: "number" },
    ],
    [
      [0, 2],
      [4, 5],
    ],
  ],
  [
    "[[0, 2], [5, 10]]",
    [
      [0, 2],
      [5, 10],
    ],
  ],
  [' [{"start": 1, "end": 2}]', [[1, 2]]],
  [[], []],
])("%j are read", (cell, spans) => {
  expect(toExample(rowWith(cell), mapping)).toEqual({ prompt: "0123456789", completion: "x", spans });
});

test.each([[undefined], [null], [""], ["  "]])("a row with %j says nothing", (cell) => {
  expect(toExample(rowWith(cell), mapping)).toEqual({ prompt: "0123456789", completion: "x" });
});

test("without a column of spans in the mapping none are read", () => {
  const { spans: _, ...plain } = mapping;
  expect(toExample(rowWith([[0, 99]]), plain)).toEqual({ prompt: "0123456789", completion: "x" });
});

describe("a bad row has a reason", () => {
  test.each([
    [7, 'The column "logic_spans" is not a list of spans'],
    ["0-5", 'The column "logic_spans" is not a list of spans'],
    ["[[0, 2]", 'The column "logic_spans" is not a list of spans'],
    [{ start: 0, end: 1 }, 'The column "logic_spans" is not a list of spans'],
    [[[0, 1], 5], 'The column "logic_spans": span 2 is not [start, end]'],
    [[[0, 1, 2]], 'The column "logic_spans": span 1 is not [start, end]'],
    [[["0", "1"]], 'The column "logic_spans": span 1 is not [start, end]'],
    [[[0.5, 2]], 'The column "logic_spans": span 1 is not [start, end]'],
    [[{ start: 0 }], 'The column "logic_spans": span 1 is not [start, end]'],
    [[null], 'The column "logic_spans": span 1 is not [start, end]'],
    [[[0, 11]], 'The column "logic_spans": span 1, 0 to 11, is no part of a prompt of 10'],
    [
      [
        [0, 1],
        [-1, 2],
      ],
      'The column "logic_spans": span 2, -1 to 2, is no part of a prompt of 10',
    ],
    [[[4, 4]], 'The column "logic_spans": span 1, 4 to 4, is no part of a prompt of 10'],
    [[[5, 4]], 'The column "logic_spans": span 1, 5 to 4, is no part of a prompt of 10'],
  ])("%j", (cell, reason) => {
    const made = tryExample(rowWith(cell), mapping);
    expect("reason" in made && textOf(made.reason)).toBe(reason);
    expect(() => toExample(rowWith(cell), mapping)).toThrow(StudioError);
  });
});

describe("the column is found", () => {
  const detect = (rows: Row[]) => detectMapping(columnsOf(rows), rows);
  const row = (more: Row): Row => ({ prompt: "0123", completion: "c", ...more });
  test("by name and shape, in every reading but text", () => {
    const { mapping: found, candidates } = detect([row({ logic_spans: [[0, 2]], text: "t" }), row({ text: "t" })]);
    expect(found).toEqual({
      format: "prompt-completion",
      prompt: ["prompt"],
      completion: "completion",
      turns: "",
      spans: "logic_spans",
    });
    expect(candidates.filter(({ format }) => format === "text").map(({ spans }) => spans)).toEqual([undefined]);
    expect(detect([row({ Spans: "[[0, 1]]" })]).mapping.spans).toBe("Spans");
    expect(detect([row({ spans: [[0, 1]], logic_spans: [{ start: 0, end: 1 }] })]).mapping.spans).toBe("logic_spans");
    expect(detect([row({ spans: [] }), row({ spans: [[0, 1]] })]).mapping.spans).toBe("spans");
  });
  test.each([
    [[row({ spans: "two" })]],
    [[row({ spans: [] })]],
    [[row({ spans: [[0, 1]] }), row({ spans: [["a", "b"]] })]],
    [[row({ spans: ["a"] })]],
    [[row({ my_spans: [[0, 1]] })]],
  ])("not where its values are something else: %j", (rows) => {
    expect(detect(rows).mapping).toEqual({
      format: "prompt-completion",
      prompt: ["prompt"],
      completion: "completion",
      turns: "",
    });
  });
});

test("what a distracted problem says about itself comes back from its row", () => {
  const random = newRandom(3, "row");
  const problems = newProblemSets(3, { train: 20, heldout: 0, unseen: 0 }).train.map((p) => distract(p, 2, random));
  const rows = problems.map(
    (p) => JSON.parse(JSON.stringify({ question: p.question, answer: p.answer, logic_spans: logicSpansOf(p) })) as Row,
  );
  const { mapping: found } = detectMapping(columnsOf(rows), rows);
  expect(found).toEqual({
    format: "gsm8k",
    prompt: ["question"],
    completion: "answer",
    turns: "",
    spans: "logic_spans",
  });
  rows.forEach((row, i) => expect(toExample(row, found).spans).toEqual(logicSpansOf(problems[i]!)));
});

/** @file A chart's CSV, read back by a CSV parser. */

import Papa from "papaparse";
import { expect, test } from "vitest";
import { cell, chartCsv } from "./chartCsv";

test("curves of different steps meet in one table", () => {
  const csv = chartCsv([
    { id: "train/loss", steps: [1, 2, 3], y: [2.5, Number.NaN, 1e-7] },
    { id: "eval/loss", steps: [0, 3], y: [3, -0.5] },
  ]);
  expect(Papa.parse<string[]>(csv.trimEnd()).data).toEqual([
    ["step", "train/loss", "eval/loss"],
    ["0", "", "3"],
    ["1", "2.5", ""],
    ["3", "1e-7", "-0.5"],
  ]);
});

test("a run named as a formula stays text, numbers stay numbers", () => {
  expect(cell("=HYPERLINK(1)")).toBe("'=HYPERLINK(1)");
  expect(cell("@SUM(A1)")).toBe("'@SUM(A1)");
  expect(cell("-1+2")).toBe("'-1+2");
  expect(cell("-1.5e-7")).toBe("-1.5e-7");
  expect(cell('a "b", c')).toBe('"a ""b"", c"');
  expect(cell("=\n")).toBe('"\'=\n"');
});

/** @file The tab key in code: within a line, over several, and back. A selection is what stands between bars. */

import { expect, test } from "vitest";
import { indentLines } from "./indentLines";

function run(marked: string, isBack: boolean): string {
  const start = marked.indexOf("|");
  const text = marked.replaceAll("|", "");
  const second = marked.indexOf("|", start + 1);
  const after = indentLines({ text, start, end: second < 0 ? start : second - 1 }, isBack);
  const { text: got } = after;
  const inner = after.start === after.end ? "|" : `|${got.slice(after.start, after.end)}|`;
  return got.slice(0, after.start) + inner + got.slice(after.end);
}

test.each([
  ["a|b", false, "a  |b"],
  ["a|bc|d", false, "a  |d"],
  ["|", false, "  |"],
  ["x\na|b\nc|d\ny", false, "x\n  a|b\n  c|d\ny"],
  ["  a|b", true, "a|b"],
  [" |ab", true, "|ab"],
  ["|  ab", true, "|ab"],
  ["ab|", true, "ab|"],
  ["x\n    a|b\n c|d\ny", true, "x\n  a|b\nc|d\ny"],
])("%j back %s becomes %j", (marked, isBack, expected) => {
  expect(run(marked, isBack)).toBe(expected);
});

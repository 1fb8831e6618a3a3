/** @file Sentences and their values: English text, braces that do no harm, storage; every detail in src is one. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromWire, parseWire, StudioError, toWire } from "./errors";
import { newRecipe } from "./recipe";
import { newRun, parseRun } from "./run";
import { fill, parseSaid, say, sentence, textOf } from "./say";

test("a sentence keeps its values apart, nested ones too", () => {
  const said = say`Line ${3}: ${say`record ${1} is ${"a list"}`}`;
  expect(said).toEqual({
    key: "Line {{0}}: {{1}}",
    values: [3, { key: "record {{0}} is {{1}}", values: [1, "a list"] }],
  });
  expect(textOf(said)).toBe("Line 3: record 1 is a list");
});

test("values may stand in another order, twice, or not at all", () => {
  expect(fill("{{1}} vor {{0}}, {{1}}", ["a", 2], textOf)).toBe("2 vor a, 2");
  expect(fill("nichts", ["a"], textOf)).toBe("nichts");
});

test("braces, dollars and backslashes do no harm, in the sentence or in a value", () => {
  expect(textOf(say`{prompt} is missing in {${"x"}}, \`${"$&"}\``)).toBe("{prompt} is missing in {x}, `$&`");
  expect(textOf(say`${"{{1}} {{0}}"}: ${"$t(error.copy) \\1"}`)).toBe("{{1}} {{0}}: $t(error.copy) \\1");
  expect(textOf(sentence("an old reason with {{0}} and {{name}}"))).toBe("an old reason with {{0}} and {{name}}");
});

test("a number that JSON cannot hold is kept as its text", () => {
  const said = say`the loss is ${Number.NaN}, its gradient ${Infinity}, the step ${5}`;
  expect(JSON.parse(JSON.stringify(said))).toEqual(said);
  expect(textOf(said)).toBe("the loss is NaN, its gradient Infinity, the step 5");
});

test("stored sentences are read, plain text as a sentence without values", () => {
  const said = say`a ${1} ${say`b ${"c"}`}`;
  expect(parseSaid(structuredClone(said))).toEqual(said);
  expect(parseSaid("has text")).toEqual({ key: "has text", values: [] });
  for (const other of [undefined, null, 3, {}, { key: "a" }, { key: 1, values: [] }, { key: "a", values: [null] }]) {
    expect(parseSaid(other), JSON.stringify(other)).toBeNull();
  }
});

test("an error's detail crosses as plain data; what a library said is a value", () => {
  const error = new StudioError("dataset.format", say`Line ${3}: ${say`is not UTF-8`}`);
  const back = fromWire(structuredClone(toWire(error)));
  expect(back).toMatchObject({ code: "dataset.format", message: "Line 3: is not UTF-8", detail: error.detail });
  expect(fromWire(toWire(new StudioError("run.active")))).toMatchObject({ message: "A run is training", detail: null });
  expect(toWire(new TypeError("x is {{0}}"))).toMatchObject({
    code: "bug",
    detail: { key: "{{0}}", values: ["x is {{0}}"] },
  });
});

test("a run stored before details had values is read, its error with its text", () => {
  const stored = (error: unknown) => parseRun({ ...newRun(newRecipe(), "old"), error }).error;
  expect(stored({ code: "run.diverged", message: "Step 3: the loss is NaN", stack: "at" })).toEqual({
    code: "run.diverged",
    message: "Step 3: the loss is NaN",
    detail: sentence("Step 3: the loss is NaN"),
    stack: "at",
  });
  expect(stored({ code: "run.active", message: "A run is training" })).toMatchObject({ detail: null });
  expect(stored(null)).toBeNull();
  expect(parseWire(toWire(new StudioError("bug", say`a ${1}`)))).toMatchObject({ detail: say`a ${1}` });
});

/** The second argument of every `new StudioError(` that is a text and not a sentence said with `say`. */
const findUntagged = (source: string): string[] => source.match(/new StudioError\(\s*[^,()]+,\s*["'`][^\n]*/g) ?? [];

test("every detail in the sources is said, so that it can be translated", () => {
  expect(findUntagged('new StudioError("bug", "text")')).toHaveLength(1);
  expect(findUntagged('new StudioError(\n  full ? "bug" : "run.rows",\n  `${a} b`,\n)')).toHaveLength(1);
  expect(findUntagged('new StudioError("bug", say`${a} b`), new StudioError("bug")')).toEqual([]);
  const src = new URL("..", import.meta.url);
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
  const sources = files.filter((name) => name !== "core/say.test.ts");
  expect(sources.length).toBeGreaterThan(200);
  for (const name of sources) {
    const source = readFileSync(new URL(name, src), "utf8");
    expect(findUntagged(source), name).toEqual([]);
    if (name.includes(".test.")) continue;
    // such a place would be taken for one of the sentence's values
    expect(source.match(/say`[^`]*\{\{\d+\}\}/), name).toBeNull();
  }
});

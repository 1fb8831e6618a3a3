import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { StudioError } from "../core/errors";
import { textOf } from "../core/say";
import { newJsonParser } from "./json";
import { newJsonlParser } from "./jsonl";
import { findJsonProblem } from "./jsonScanner";
import type { Parsed, RowParser } from "./rowParser";

const encoder = new TextEncoder();

function run(parser: RowParser, text: string | Uint8Array, pieceBytes = 1 << 30): Parsed[] {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const parsed: Parsed[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    parsed.push(...parser.push(bytes.subarray(at, at + pieceBytes)));
  return [...parsed, ...parser.end()];
}
/** A bad row's reason as its English text. */
const inEnglish = (item: Parsed) => ("row" in item ? item : { ...item, reason: textOf(item.reason) });
const rowsOf = (parsed: Parsed[]) => parsed.flatMap((item) => ("row" in item ? [item.row] : []));
const refusal = (text: string | Uint8Array): string => {
  try {
    run(newJsonParser(), text);
  } catch (error) {
    if (error instanceof StudioError && error.code === "dataset.format") return error.message;
    throw error;
  }
  return "accepted";
};

const suite = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "conformance/JSONTestSuite/test_parsing");
test.skipIf(!existsSync(suite) && !process.env["CI"])(
  "JSONTestSuite is accepted and refused as its authors say",
  () => {
    const names = readdirSync(suite);
    expect(names.filter((name) => /^[yn]_/.test(name)).length).toBeGreaterThan(270);
    for (const name of names) {
      const bytes = new Uint8Array(readFileSync(path.join(suite, name)));
      const problem = findJsonProblem(bytes, 500);
      if (name.startsWith("y_")) {
        expect(problem, name).toBeNull();
        const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
        if (Array.isArray(value)) {
          const parsed = run(newJsonParser(), bytes, 1 + (bytes.length % 7));
          expect(parsed, name).toHaveLength(value.length);
          const records = value.filter((item) => typeof item === "object" && item !== null && !Array.isArray(item));
          expect(rowsOf(parsed), name).toEqual(records);
        } else if (name !== "y_object_long_strings.json") expect(refusal(bytes), name).not.toBe("accepted");
        else expect(rowsOf(run(newJsonParser(), bytes))).toEqual((value as { x: unknown }).x); // it holds a list of records
      }
      if (name.startsWith("n_")) {
        // of these, the ones of bytes that are no UTF-8 lie within texts of an otherwise whole list
        expect(problem, name).not.toBeNull();
        expect(refusal(bytes), name).not.toBe("accepted");
      }
      if (name.startsWith("i_")) refusal(bytes); // either way, but never another error
    }
  },
);

test("a list of records streams, in whatever pieces it comes", () => {
  const rows = [{ q: 'a "quoted" \\ text', n: [1, { x: null }] }, {}, { 数: "é\u2028", t: true, e: -1.5e-3 }];
  for (const text of [
    JSON.stringify(rows),
    JSON.stringify(rows, null, 2),
    ` \n${JSON.stringify({ meta: { rows: [{ no: 1 }] }, tags: ["x"], data: rows, n: 1 })} `,
  ]) {
    for (const size of [1, 2, 3, 5, 64, 1000]) expect(rowsOf(run(newJsonParser(), text, size)), text).toEqual(rows);
  }
});

test("elements that are no records are told with their line and number", () => {
  expect(
    run(newJsonParser(), '[{"a":1},\n2,\n[3],"x",null,{"__proto__":1},{"a":{"__proto__":{}}}]').map(inEnglish),
  ).toEqual([
    { line: 1, row: { a: 1 } },
    { line: 2, reason: "record 2 is a number, not a record" },
    { line: 3, reason: "record 3 is a list, not a record" },
    { line: 3, reason: "record 4 is text, not a record" },
    { line: 3, reason: "record 5 is null, not a record" },
    { line: 3, reason: 'record 6 has a key named "__proto__"' },
    { line: 3, reason: 'record 7 has a key named "__proto__"' },
  ]);
});

test.each([
  ['[{"a":1},\n {"a":"tru', "line 2, byte 11: it ends in the middle of a text"],
  ['[{"a":1},\n {"a":1', "line 2, byte 8: it ends in the middle of a record"],
  ['[{"a":1}', "line 1, byte 9: it ends in the middle of a list"],
  ['[{"a":1,}]', 'line 1, byte 9: a key in double quotes is missing, found "}"'],
  ['[{"a":01}]', 'line 1, byte 8: a number is not complete, found "1"'],
  ["[{'a':1}]", 'line 1, byte 3: a key in double quotes or "}" is missing, found "\'"'],
  ['[{"a":1}] x', 'line 1, byte 11: the end of the file is missing, found "x"'],
  ['[{"a":NaN}]', 'line 1, byte 7: a value is missing, found "N"'],
  ['[{"a":"\n"}]', "line 1, byte 8: a text holds the control character byte 0x0a; it must be escaped"],
])("%j is refused with its place", (text, message) => {
  expect(refusal(text)).toBe(`The file is not whole JSON at ${message}`);
});

test("a record without a list of records, and one with two, are refused", () => {
  expect(refusal('{"a":{"b":1}}')).toMatch(/none of its members/);
  expect(refusal('{"train":[{"a":1}],"test":[{"a":2}]}')).toMatch(/"train" and "test"/);
  expect(refusal("17")).toMatch(/neither a list of records nor a record/);
});

test("deep nesting is refused before anything is built of it", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  expect(refusal(`[{"a":${deep}}]`)).toMatch(/more than 64 levels/);
  for (const line of [`{"a":${deep}}`, `{"a":${"[".repeat(70)}${"]".repeat(70)}}`]) {
    expect(run(newJsonlParser(), line).map(inEnglish)).toEqual([
      { line: 1, reason: expect.stringMatching(/more than 64 levels/) as string },
    ]);
  }
});

test("bad lines of JSONL are told with line and reason, the rest is read", () => {
  const text =
    '{"a":1}\r\n\n{"a":2\nnull\n{"a":"\u0001"}\n[1]\n  {"a": 3}  \n{"__proto__": {"x": 1}}\n{"a":4}{"a":5}\n{"a":6}';
  const expected = [
    { line: 1, row: { a: 1 } },
    { line: 3, reason: "is not JSON at its byte 7: it ends in the middle of a record" },
    { line: 4, reason: "is null, not a record" },
    { line: 5, reason: "is not JSON at its byte 7: a text holds the control character byte 0x01; it must be escaped" },
    { line: 6, reason: "is a list, not a record" },
    { line: 7, row: { a: 3 } },
    { line: 8, reason: 'has a key named "__proto__"' },
    { line: 9, reason: 'is not JSON at its byte 8: the end of the file is missing, found "{"' },
    { line: 10, row: { a: 6 } },
  ];
  for (const size of [1, 3, 1000]) expect(run(newJsonlParser(), text, size).map(inEnglish)).toEqual(expected);
  const broken = new Uint8Array([...encoder.encode('{"a":"'), 0xff, ...encoder.encode('"}')]);
  expect(run(newJsonlParser(), broken).map(inEnglish)).toEqual([{ line: 1, reason: "is not UTF-8 at its byte 7" }]);
});

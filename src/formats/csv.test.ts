import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import Papa from "papaparse";
import { expect, test } from "vitest";
import { newRandom } from "../core/random";
import { textOf } from "../core/say";
import { guessDelimiter, newCsvParser } from "./csv";
import type { Parsed } from "./rowParser";

const encoder = new TextEncoder();

function parse(text: string | Uint8Array, pieceBytes = 1 << 30, tab = false): Parsed[] {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const parser = newCsvParser(tab);
  const parsed: Parsed[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    parsed.push(...parser.push(bytes.subarray(at, at + pieceBytes)));
  return [...parsed, ...parser.end()];
}
const rowsOf = (parsed: Parsed[]) => parsed.flatMap((item) => ("row" in item ? [item.row] : []));
/** A bad row's reason as its English text. */
const inEnglish = (item: Parsed) => ("row" in item ? item : { ...item, reason: textOf(item.reason) });
const flawsOf = (parsed: Parsed[]) =>
  parsed.flatMap((item) => ("row" in item ? [] : [[item.line, textOf(item.reason)]]));

const spectrum = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "conformance/csv-spectrum");
test.skipIf(!existsSync(spectrum) && !process.env["CI"])("csv-spectrum reads as its authors say", () => {
  const names = readdirSync(path.join(spectrum, "csvs"));
  expect(names.length).toBeGreaterThanOrEqual(12);
  for (const name of names) {
    const rows = rowsOf(parse(readFileSync(path.join(spectrum, "csvs", name))));
    const expected = JSON.parse(
      readFileSync(path.join(spectrum, "json", name.replace("csv", "json")), "utf8"),
    ) as object;
    // one pair of files of theirs differs in a telephone number, and its JSON is the record without its list
    if (name === "location_coordinates.csv") {
      expect(rows).toEqual([{ ...expected, "Contact Phone Number": "2095257564" }]);
    } else expect(rows, name).toEqual(expected);
  }
});

test("lines are counted through quoted line ends, and ragged records are told with their line", () => {
  const text = 'a,b\n"one\ntwo",2\n\nlonely\r\n3,4\r5,6,7\n"x"y,8\n9,"10"';
  expect(parse(text).map(inEnglish)).toEqual([
    { line: 2, row: { a: "one\ntwo", b: "2" } },
    { line: 5, reason: "has 1 field where the header has 2" },
    { line: 6, row: { a: "3", b: "4" } },
    { line: 7, reason: "has 3 fields where the header has 2" },
    { line: 8, reason: "has text after the closing quote of field 1" },
    { line: 9, row: { a: "9", b: "10" } },
  ]);
  for (let size = 1; size < 12; size++) expect(parse(text, size)).toEqual(parse(text));
});

test("tabs, semicolons and bars separate too, where the header shows them", () => {
  for (const delimiter of [",", ";", "\t", "|"]) {
    expect(guessDelimiter(`"a,;b"${delimiter}c`)).toBe(delimiter);
    expect(
      rowsOf(
        parse(`q${delimiter}a\n1,;2${delimiter}3`.replace(",;", delimiter === "," || delimiter === ";" ? "" : ",;")),
      ),
    ).toHaveLength(1);
  }
  expect(rowsOf(parse("text\nhello", 1 << 30))).toEqual([{ text: "hello" }]);
  expect(rowsOf(parse("a,b\tc\n1,2\t3", 1 << 30, true))).toEqual([{ "a,b": "1,2", c: "3" }]);
});

test.each([
  ["a,a\n1,2", 'Line 1, the header: two columns are named "a"'],
  ["a,__proto__\n1,2", 'Line 1, the header: a column is named "__proto__"'],
  ['a,b\n1,2\n3,"open\n5,6\n', "Line 3, field 2: the quote opened here is never closed"],
])("%j is refused with its place", (text, message) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: "dataset.format", message }) as Error);
});

test("a table that is not UTF-8 is refused at its line", () => {
  const bytes = new Uint8Array([...encoder.encode("a,b\n1,2\n3,"), 0xe9, 0x74, 0x0a]);
  expect(() => parse(bytes)).toThrow(/^Line 3: the text is not UTF-8/);
});

test("a record over the limit is counted and left out, the next one is read", () => {
  const parsed = parse(`a,b\n1,${"x".repeat(9_000_000)}\n2,3\n`, 100_000);
  expect(rowsOf(parsed)).toEqual([{ a: "2", b: "3" }]);
  expect(flawsOf(parsed)).toEqual([[2, expect.stringMatching(/^the record is 9000003 bytes long/)]]);
});

test("any table reads as Papa Parse reads it", () => {
  const random = newRandom(11);
  const parts = ["a", "", "1", " ", '"', ",", "\n", "\r\n", "é", "数", ";", "x y"];
  for (let k = 0; k < 2000; k++) {
    const width = 1 + random.below(4);
    const header = Array.from({ length: width }, (_, i) => `c${i}`);
    const records = Array.from({ length: 1 + random.below(5) }, () =>
      header.map(() => Array.from({ length: random.below(5) }, () => parts[random.below(parts.length)] ?? "").join("")),
    );
    const newline = random.below(2) ? "\n" : "\r\n";
    const text = Papa.unparse([header, ...records], { newline, quotes: random.below(2) === 0 });
    const expected = Papa.parse<string[]>(text, { delimiter: ",", newline, skipEmptyLines: false }).data.slice(1);
    // a blank line is no record, here; in a table of one column Papa writes an empty field so
    const filled = expected.filter((fields) => !(fields.length === 1 && fields[0] === ""));
    const rows = rowsOf(parse(text, 1 + random.below(9))).filter((row) => !(width === 1 && row["c0"] === ""));
    expect(
      rows.map((row) => header.map((name) => row[name])),
      JSON.stringify(text),
    ).toEqual(filled);
  }
});

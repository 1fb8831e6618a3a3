import { expect, test } from "vitest";
import type { Row } from "../../core/dataset";
import { StudioError } from "../../core/errors";
import { newRandom, type Random } from "../../core/random";
import { textOf } from "../../core/say";
import type { Parsed } from "../../formats/rowParser";
import { columnsOf, detectMapping } from "./detectMapping";
import { newRowParser, readRowsFromBlob } from "./readRows";
import { recogniseContainer } from "./recognise";
import { tryExample } from "./tryExample";

async function readAll(content: BlobPart, name: string) {
  const items = [];
  for await (const item of readRowsFromBlob(new Blob([content]), name)) items.push(item);
  return items;
}

test("the kind of file is told by content and name", () => {
  const kind = (text: string, name: string) => recogniseContainer(new TextEncoder().encode(text), name);
  expect(kind('{"a":1}\n{"a":2}', "x.json")).toBe("jsonl");
  expect(kind('{"a":1}', "x.jsonl")).toBe("jsonl");
  expect(kind('{"data":[{"a":1}]}\n', "x.json")).toBe("json");
  expect(kind('{\n"data":[{"a":1}]}', "x.json")).toBe("json");
  expect(kind(' [{"a":1}]', "x.jsonl")).toBe("json");
  expect(kind("[1]\nhello", "x.txt")).toBe("text");
  expect(kind('{"a":1}\n{"a":2}', "x.txt")).toBe("jsonl");
  expect(kind("{a,b", "X.CSV")).toBe("csv");
  expect(kind('[{"a":1}]', "download")).toBe("json");
  expect(() => kind("a,b\n1,2", "download")).toThrow(/not JSON, and its name does not end/);
});

test.each<[string, number[] | string, RegExp]>([
  ["data.parquet", "PAR1\x15\x04", /a Parquet file: export/],
  ["data.jsonl", "PK\x03\x04\x14\x00", /a zip archive or an Excel workbook/],
  ["data.csv", "%PDF-1.7", /a PDF document/],
  ["data.json", [0x1f, 0x8b, 8], /a gzip archive: unpack/],
  ["data.txt", [0x89, 0x50, 0x4e, 0x47], /a PNG image/],
  ["data.jsonl", "<!DOCTYPE html><p>", /a web page/],
  ["data.jsonl", [0xff, 0xfe, 0x7b, 0], /UTF-16: save it as UTF-8/],
  ["data.csv", [0x61, 0, 0x2c, 0, 0x62, 0], /UTF-16/],
  ["data.csv", [0x61, 0x2c, 0, 0, 7], /not text: byte 3 is a zero/],
])("%s of other content (%j) is named for what it is", async (name, content, message) => {
  const bytes = typeof content === "string" ? content : new Uint8Array(content);
  await expect(readAll(bytes, name)).rejects.toMatchObject({
    code: "dataset.format",
    message: expect.stringMatching(message) as string,
  });
});

test("an empty file is said to be empty; a byte-order mark is no part of the text", async () => {
  await expect(readAll("", "a.jsonl")).rejects.toMatchObject({ code: "dataset.empty" });
  expect(await readAll('\ufeff{"a":1}\n', "a.jsonl")).toEqual([{ line: 1, row: { a: 1 } }]);
  expect(await readAll("\ufeffa,b\n1,2", "a.csv")).toEqual([{ line: 2, row: { a: "1", b: "2" } }]);
  expect(await readAll('\ufeff[{"a":1}]', "a.json")).toEqual([{ line: 1, row: { a: 1 } }]);
  expect(await readAll("one\n\ntwo\r\n", "a.txt")).toEqual([
    { line: 1, row: { text: "one" } },
    { line: 3, row: { text: "two" } },
  ]);
});

/** A file of one repeated piece that is nowhere in memory as a whole. */
function newEndlessFile(start: string, megabytes: number): Blob {
  const piece = new Uint8Array(2 ** 20).fill(0x61);
  const head = new TextEncoder().encode(start);
  const stream = () => {
    let left = megabytes;
    return new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(head),
      pull(controller) {
        if (left-- > 0) controller.enqueue(piece);
        else controller.close();
      },
    });
  };
  const slice = () => new Blob([head, piece.subarray(0, 100_000)]);
  return { size: head.length + megabytes * piece.length, stream, slice } as unknown as Blob;
}

test.each([
  ["one line of JSONL", "a.jsonl", '{"text":"', "the line is 209715209 bytes long (200 MB); the most is 8.0 MB"],
  ["one text in JSON", "a.json", '[{"text":"', /line 1, byte 209715211: it ends in the middle of a text/],
  ["one quote in CSV", "a.csv", 'text\n"', /Line 2, field 1: the quote opened here is never closed/],
  ["one line of text", "a.txt", "", "the line is 209715200 bytes long (200 MB); the most is 8.0 MB"],
])("200 MB of %s: refused within 2 s, in flat memory", async (_what, name, start, expected) => {
  const file = newEndlessFile(start, 200);
  const before = process.memoryUsage().rss;
  const started = process.cpuUsage(); // of this process: what else the machine does is no matter
  const read = async () => {
    const items = [];
    for await (const item of readRowsFromBlob(file, name)) items.push(item);
    return items;
  };
  if (expected instanceof RegExp) await expect(read()).rejects.toThrow(expected);
  else {
    const told = (await read()).map((item) => ("bad" in item ? [item.bad.line, textOf(item.bad.reason)] : item));
    expect(told).toEqual([[1, expected]]);
  }
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1e6).toBeLessThan(2);
  expect(process.memoryUsage().rss - before).toBeLessThan(120 * 2 ** 20);
});

const bases = {
  "a.jsonl":
    '{"question":"Two and 2?","answer":"<<2+2=4>>\\n#### 4"}\n{"messages":[{"role":"user","content":"é数"},{"role":"assistant","content":"b"}]}\n{"text":"x\\u00e9\\"","n":-1.5e3,"l":[true,null,{}]}\n',
  "a.json":
    '{"meta":{"v":1},"data":[\n {"instruction":"a","input":"","output":"b"},\n {"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"é"}]}, {"x":[1,[2,{}]]}]}',
  "b.json": '[{"prompt":"p","completion":"c"},{"prompt":"数","completion":"-1e5 \\\\ \\u12ab"},\n{}]',
  "a.csv": 'question,answer,n\n"a, ""b""","c\nd",1\n\r\n2,é,"3"\n4,5,6\n',
};
const spice = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "\n",
  "\r",
  "\0",
  "\ufeff",
  "é",
  "__proto__",
  "constructor",
  "1e999",
  "null",
  "#### 4",
  "[[[[",
  '""',
  "\\u0000",
  "\ud800",
];

function mutate(base: Uint8Array, random: Random): Uint8Array {
  let bytes = base;
  for (let k = random.below(4); k >= 0; k--) {
    const at = random.below(bytes.length + 1);
    const to = Math.min(bytes.length, at + random.below(12));
    const word = new TextEncoder().encode(spice[random.below(spice.length)]);
    const kind = random.below(5);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    else if (kind === 3) bytes = bytes.map((byte, i) => (i === at ? random.below(256) : byte));
    else bytes = bytes.slice(0, at);
  }
  return bytes;
}

/** All that becomes of the bytes, or the error's code and words. */
function outcome(bytes: Uint8Array, name: string, pieceBytes: number): Parsed[] | string {
  try {
    const parser = newRowParser(recogniseContainer(bytes, name), name);
    const parsed: Parsed[] = [];
    for (let at = 0; at < bytes.length; at += pieceBytes)
      parsed.push(...parser.push(bytes.subarray(at, at + pieceBytes)));
    return [...parsed, ...parser.end()];
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

test("20,000 mutants of JSONL, JSON and CSV: rows or typed errors, the same in any pieces", () => {
  const random = newRandom(20);
  const files = Object.entries(bases).map(([name, text]) => [name, new TextEncoder().encode(text)] as const);
  const count = { rows: 0, bad: 0, refused: 0 };
  for (let k = 0; k < 20_000; k++) {
    const [name, base] = files[k % files.length] ?? ["", new Uint8Array()];
    const bytes = mutate(base, random);
    const whole = outcome(bytes, name, 1 << 30);
    const inPieces = outcome(bytes, name, 1 + random.below(60));
    // of two reasons to refuse a file another may be met first
    const same = typeof whole === "string" ? typeof inPieces : JSON.stringify(inPieces);
    expect(same).toBe(typeof whole === "string" ? "string" : JSON.stringify(whole));
    if (typeof whole === "string") {
      count.refused++;
      continue;
    }
    const rows = whole.flatMap((item) => ("row" in item ? [item.row] : []));
    count.rows += rows.length;
    count.bad += whole.length - rows.length;
    expect(rows.some((row) => Object.hasOwn(row, "__proto__"))).toBe(false);
    if (k % 5 !== 0) continue;
    const { mapping, candidates } = detectMapping(columnsOf(rows), rows);
    for (const row of rows) for (const each of [mapping, ...candidates]) tryExample(row, each);
  }
  expect(({} as Row)["polluted"]).toBeUndefined();
  for (const n of Object.values(count)) expect(n).toBeGreaterThan(2000);
});

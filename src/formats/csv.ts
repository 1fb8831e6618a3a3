/** @file Comma-, semicolon- or tab-separated values (RFC 4180) as rows: the first record names the columns. */

import type { Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { maxRowBytes, type Parsed, type RowParser, tooLong } from "./rowParser";
import { findInvalidUtf8 } from "./utf8";

const quote = '"';
const delimiters = [",", ";", "\t", "|"] as const;
const maxColumns = 10_000;

/** `line` is where it begins; `flaw` why its fields are not to be trusted; `length` in UTF-16 units. */
type CsvRecord = { line: number; fields: string[]; flaw: Said | null; length: number };

/** The delimiter that the first line has most of, outside quotes; a comma where it has none. */
export function guessDelimiter(firstLine: string): string {
  const bare = firstLine.replace(/"[^"]*"/g, "");
  const counts = delimiters.map((delimiter) => bare.split(delimiter).length - 1);
  return delimiters[counts.indexOf(Math.max(...counts))] ?? ",";
}

/**
 * Text in pieces → records. Line ends are \n, \r\n or \r; within quotes all three are text, and "" is one quote.
 * A quote within an unquoted field is text.
 */
function newRecordSplitter(delimiter: string) {
  let state: "start" | "plain" | "quoted" | "quote seen" = "start"; // of a field
  let fields: string[] = [];
  let field = "";
  let flaw: Said | null = null;
  let length = 0; // of the record
  let line = 1;
  let firstLine = 1; // of the record
  let quoteLine = 1;
  let afterReturn = false; // a \n right after belongs to the \r
  let records: CsvRecord[] = [];

  const add = (text: string) => {
    length += text.length;
    if (length <= maxRowBytes) field += text;
    else {
      field = "";
      fields = [];
    }
  };
  const endField = () => {
    if (length <= maxRowBytes && fields.length < maxColumns) fields.push(field);
    else flaw ??= say`has more than ${maxColumns} fields`;
    field = "";
    state = "start";
    length++;
  };
  const endRecord = () => {
    const blank = length === 0 && state === "start";
    endField();
    if (!blank) records.push({ line: firstLine, fields, flaw, length });
    fields = [];
    flaw = null;
    length = 0;
  };

  /** From `i` to where the text of the field stops for now. */
  const runEnd = (text: string, i: number): number => {
    if (state === "quoted") {
      const at = text.indexOf(quote, i);
      return at < 0 ? text.length : at;
    }
    for (let k = i; k < text.length; k++) {
      const c = text[k];
      if (c === delimiter || c === "\n" || c === "\r") return k;
    }
    return text.length;
  };

  /** Takes what begins at `i` and answers where the next begins. */
  const step = (text: string, i: number): number => {
    const c = text[i] ?? "";
    if (state === "quoted" && c !== quote) {
      const end = runEnd(text, i);
      const run = text.slice(i, end);
      for (let at = run.indexOf("\n"); at >= 0; at = run.indexOf("\n", at + 1)) line++;
      add(run);
      return end;
    }
    if (c === quote && state !== "plain") {
      if (state === "start") quoteLine = line;
      if (state === "quote seen") add(quote);
      state = state === "quoted" ? "quote seen" : "quoted";
      return i + 1;
    }
    if (c === delimiter) {
      endField();
      return i + 1;
    }
    if (c === "\n" || c === "\r") {
      if (!(c === "\n" && afterReturn)) {
        endRecord();
        line++;
        firstLine = line;
      }
      afterReturn = c === "\r";
      return i + 1;
    }
    if (state === "quote seen") flaw ??= say`has text after the closing quote of field ${fields.length + 1}`;
    state = "plain";
    const end = runEnd(text, i);
    add(text.slice(i, end));
    return end;
  };

  const take = () => {
    const taken = records;
    records = [];
    return taken;
  };
  return {
    line: () => line,
    push(text: string): CsvRecord[] {
      for (let i = 0; i < text.length; ) {
        const next = step(text, i);
        if (text[i] !== "\r") afterReturn = false;
        i = next;
      }
      return take();
    },
    end(): CsvRecord[] {
      if (state === "quoted") {
        const field = fields.length + 1;
        throw new StudioError(
          "dataset.format",
          say`Line ${quoteLine}, field ${field}: the quote opened here is never closed`,
        );
      }
      endRecord();
      return take();
    },
  };
}

function readHeader({ fields, flaw, line, length }: CsvRecord): string[] {
  const fail = (reason: Said): never => {
    throw new StudioError("dataset.format", say`Line ${line}, the header: ${reason}`);
  };
  if (length > maxRowBytes) fail(tooLong(say`it`, length));
  if (flaw) fail(flaw);
  const names = fields.map((name, i) => name.trim() || `column ${i + 1}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) fail(say`two columns are named "${twice}"`);
  if (names.includes("__proto__")) fail(say`a column is named "__proto__"`);
  return names;
}

/** @param tab the file's name says that tabs separate. */
export function newCsvParser(tab: boolean): RowParser {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let splitter: ReturnType<typeof newRecordSplitter> | null = null;
  let waiting = ""; // the beginning, until it shows the delimiter
  let header: string[] | null = null;

  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch {
      const offset = Math.max(0, findInvalidUtf8(bytes ?? new Uint8Array()));
      const before = new TextDecoder().decode((bytes ?? new Uint8Array()).subarray(0, offset));
      splitter ??= newRecordSplitter(",");
      splitter.push(waiting + before);
      const reason = say`the text is not UTF-8. Save the table as UTF-8 (a spreadsheet calls it "CSV UTF-8")`;
      throw new StudioError("dataset.format", say`Line ${splitter.line()}: ${reason}`);
    }
  };

  const toRow = (record: CsvRecord): Parsed[] => {
    const { line, fields, flaw, length } = record;
    if (!header) {
      header = readHeader(record);
      return [];
    }
    if (length > maxRowBytes) return [{ line, reason: tooLong(say`the record`, length) }];
    if (flaw) return [{ line, reason: flaw }];
    if (fields.length !== header.length) {
      const reason =
        fields.length === 1
          ? say`has 1 field where the header has ${header.length}`
          : say`has ${fields.length} fields where the header has ${header.length}`;
      return [{ line, reason }];
    }
    const row: Row = {};
    for (const [i, name] of header.entries()) row[name] = fields[i];
    return [{ line, row }];
  };

  const parse = (text: string, last: boolean): Parsed[] => {
    let next = text;
    if (!splitter) {
      waiting += text;
      const end = waiting.search(/[\r\n]/);
      if (end < 0 && waiting.length < 2 ** 16 && !last) return [];
      splitter = newRecordSplitter(tab ? "\t" : guessDelimiter(end < 0 ? waiting : waiting.slice(0, end)));
      next = waiting;
      waiting = "";
    }
    const records = splitter.push(next);
    return (last ? [...records, ...splitter.end()] : records).flatMap(toRow);
  };

  return { push: (bytes) => parse(decode(bytes), false), end: () => parse(decode(), true) };
}

/** @file A JSON document as rows: a list of records, or a record that holds one such list; streamed, element by element. */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { type JsonProblem, newJsonScanner } from "./jsonScanner";
import { joinBytes } from "./lines";
import { asRow, maxRowBytes, maxRowDepth, type Parsed, type RowParser, tooLong } from "./rowParser";

const openList = "[".charCodeAt(0);
const openRecord = "{".charCodeAt(0);

/** Collects the bytes between two offsets, over as many pieces as they take; only counts them beyond the limit. */
function newCapture() {
  let parts: Uint8Array[] | null = null;
  let length = 0;
  let from = 0; // in the piece
  let start = 0; // in the file

  const add = (part: Uint8Array) => {
    length += part.length;
    if (length > maxRowBytes) parts = [];
    else parts?.push(part);
  };
  return {
    begin(offset: number, pieceOffset: number) {
      parts = [];
      length = 0;
      start = offset;
      from = offset - pieceOffset;
    },
    /** The piece ends: what began in it is kept. */
    carry(piece: Uint8Array) {
      if (!parts) return;
      add(length + piece.length - from > maxRowBytes ? piece.subarray(from) : piece.slice(from));
      from = 0;
    },
    /** The bytes, or null where there are too many. */
    end(piece: Uint8Array, offset: number, pieceOffset: number): { bytes: Uint8Array | null; length: number } {
      add(piece.subarray(from, offset - pieceOffset));
      const whole = length <= maxRowBytes ? joinBytes(parts ?? [], length) : null;
      parts = null;
      return { bytes: whole, length: offset - start };
    },
  };
}

function fail({ line, byte, reason }: JsonProblem): never {
  throw new StudioError("dataset.format", say`The file is not whole JSON at line ${line}, byte ${byte}: ${reason}`);
}

export function newJsonParser(): RowParser {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const capture = newCapture();
  let piece: Uint8Array = new Uint8Array();
  let pieceOffset = 0;
  let parsed: Parsed[] = [];
  let records = 0;
  /** Where rows lie: in the list that is the document (1) or that is one of its members (2). */
  let rowDepth = 0;
  let key = "";
  /** The member whose list holds the rows; null before one is found. */
  let member: string | null = null;
  let taking: "key" | "row" | null = null;
  let line = 1;

  /** A member that is a list of records holds the rows; any other list is passed over. */
  const isRow = (depth: number, first: number): boolean => {
    if (depth !== rowDepth) return false;
    if (rowDepth === 1 || member === key) return true;
    if (first !== openRecord || key === "") return false;
    if (member === null) {
      member = key;
      return true;
    }
    throw new StudioError(
      "dataset.format",
      say`The file holds more than one list of records: "${member}" and "${key}". Keep one`,
    );
  };

  const addRow = (bytes: Uint8Array | null, length: number) => {
    records++;
    const tell = (reason: Said) => parsed.push({ line, reason: say`record ${records} ${reason}` });
    if (!bytes) {
      tell(tooLong(say`of the list`, length));
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(bytes));
    } catch {
      tell(say`is not UTF-8`);
      return;
    }
    const row = asRow(value, line);
    if ("reason" in row) tell(row.reason);
    else parsed.push(row);
  };

  const scanner = newJsonScanner(
    {
      depth: 2,
      begin(depth, first, offset, isKey, at) {
        if (depth === 0) {
          if (first === openList) rowDepth = 1;
          else if (first === openRecord) rowDepth = 2;
          else
            throw new StudioError(
              "dataset.format",
              say`Line ${at}: the file is neither a list of records nor a record`,
            );
        } else if (isKey ? depth === 1 : isRow(depth, first)) {
          taking = isKey ? "key" : "row";
          line = at;
          capture.begin(offset, pieceOffset);
        } else if (depth === 1 && first !== openList) {
          key = ""; // a member that is no list, so that its own parts are not taken for rows
        }
      },
      end(depth, offset, isKey) {
        if (taking === null || depth !== (taking === "key" ? 1 : rowDepth) || isKey !== (taking === "key")) return;
        const { bytes, length } = capture.end(piece, offset, pieceOffset);
        if (taking === "row") addRow(bytes, length);
        else key = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array([0x22, 0x22]))) as string;
        taking = null;
      },
    },
    maxRowDepth,
  );

  const take = (): Parsed[] => {
    const rows = parsed;
    parsed = [];
    return rows;
  };
  return {
    push(bytes) {
      piece = bytes;
      const problem = scanner.push(bytes);
      if (problem) fail(problem);
      capture.carry(bytes);
      pieceOffset += bytes.length;
      return take();
    },
    end() {
      piece = new Uint8Array();
      const problem = scanner.end();
      if (problem) fail(problem);
      if (rowDepth === 2 && member === null) {
        throw new StudioError(
          "dataset.format",
          say`The file is one record, and none of its members is a list of records`,
        );
      }
      return take();
    },
  };
}

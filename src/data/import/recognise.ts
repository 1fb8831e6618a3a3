/** @file Which kind of file this is, by its first bytes and its name; files that hold no rows are named for what they are. */

import type { Inspection } from "../../core/dataset";
import { StudioError } from "../../core/errors";
import { type Said, say } from "../../core/say";

export type Container = Inspection["container"];

/** As much of the beginning as is looked at. */
export const headBytes = 2 ** 16;

type Magic = [signature: string | number[], what: Said, advice: Said];
const asTable = say`export it as JSONL or CSV`;
const unpack = say`unpack it and drop the file inside`;
const magics: Magic[] = [
  ["PAR1", say`a Parquet file`, asTable],
  ["ARROW1", say`an Arrow file`, asTable],
  ["PK\x03\x04", say`a zip archive or an Excel workbook`, say`unpack it, or export the sheet as CSV`],
  ["PK\x05\x06", say`an empty zip archive`, say`drop a file with rows`],
  ["%PDF", say`a PDF document`, say`extract its text first`],
  [[0x1f, 0x8b], say`a gzip archive`, unpack],
  [[0x28, 0xb5, 0x2f, 0xfd], say`a zstd archive`, unpack],
  ["BZh", say`a bzip2 archive`, unpack],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], say`an xz archive`, unpack],
  [[0x37, 0x7a, 0xbc, 0xaf], say`a 7z archive`, unpack],
  [[0x89, 0x50, 0x4e, 0x47], say`a PNG image`, say`drop a file of text`],
  [[0xff, 0xd8, 0xff], say`a JPEG image`, say`drop a file of text`],
  ["GIF8", say`a GIF image`, say`drop a file of text`],
  [[0xd0, 0xcf, 0x11, 0xe0], say`an old Office document`, say`export it as CSV`],
  ["SQLite format 3", say`an SQLite database`, asTable],
  ["GGUF", say`a GGUF model`, say`drop it on Models`],
  [[0x89, 0x48, 0x44, 0x46], say`an HDF5 file`, asTable],
  [[0x7f, 0x45, 0x4c, 0x46], say`a program`, say`drop a file of text`],
  ["<!DOCTYPE", say`a web page`, say`download the file itself`],
  ["<html", say`a web page`, say`download the file itself`],
];

function beginsWith(head: Uint8Array, signature: string | number[]): boolean {
  const bytes = typeof signature === "string" ? Array.from(signature, (c) => c.charCodeAt(0)) : signature;
  return bytes.every((byte, i) => head[i] === byte);
}

/** Throws `dataset.format` for what is not text in UTF-8. */
function refuseBinary(head: Uint8Array, name: string): void {
  const fail = (what: Said) => {
    throw new StudioError("dataset.format", say`"${name}" ${what}`);
  };
  for (const [signature, what, advice] of magics) {
    if (beginsWith(head, signature)) fail(say`is ${what}: ${advice}`);
  }
  const nul = head.indexOf(0);
  const marked = beginsWith(head, [0xff, 0xfe]) || beginsWith(head, [0xfe, 0xff]);
  const everySecond = nul >= 0 && nul < 2 && head[nul + 2] === 0 && head[nul + 1] !== 0 && head.length > 4;
  if (marked || everySecond) fail(say`is text in UTF-16: save it as UTF-8`);
  if (nul >= 0) fail(say`is not text: byte ${nul + 1} is a zero`);
}

function isRecord(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

export const extensionOf = (name: string) => /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";

/**
 * @param head the file's first bytes, without a byte-order mark.
 * @throws `dataset.format` for binary files and for text that is neither JSON nor named as a table or text.
 */
export function recogniseContainer(head: Uint8Array, name: string): Container {
  refuseBinary(head, name);
  const extension = extensionOf(name);
  if (extension === "csv" || extension === "tsv") return "csv";
  const text = new TextDecoder().decode(head).trimStart();
  const [firstLine = "", ...rest] = text.split("\n");
  const moreLines = rest.some((line) => line.trim() !== "") || head.length >= headBytes;
  const lineOfRecord = text.startsWith("{") && isRecord(firstLine);
  if (extension === "txt" || extension === "text" || extension === "md") {
    return lineOfRecord && moreLines ? "jsonl" : "text";
  }
  if (text.startsWith("[")) return "json";
  if (lineOfRecord && (moreLines || extension !== "json")) return "jsonl";
  if (extension === "jsonl" || extension === "ndjson") return "jsonl";
  if (extension === "json" || text.startsWith("{")) return "json";
  throw new StudioError("dataset.format", say`"${name}" is not JSON, and its name does not end in .csv, .tsv or .txt`);
}

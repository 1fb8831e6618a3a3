/** @file What every row format shares: bytes are pushed in pieces, rows and bad places come out. */

import type { Row } from "../core/dataset";
import { type Said, say } from "../core/say";

/** Bytes of one row, and levels of lists and records within it, beyond which a file is not a data set. */
export const maxRowBytes = 8 * 2 ** 20;
export const maxRowDepth = 64;

/** A row and the 1-based line it begins on, or why that place gives none. */
export type Parsed = { line: number; row: Row } | { line: number; reason: Said };

/**
 * Pieces may end anywhere, in the middle of a character too. What makes the whole file unreadable is thrown as
 * `dataset.format` with its place; what spoils one row is told as a `reason`, and the parser goes on.
 */
export type RowParser = {
  push: (bytes: Uint8Array) => Parsed[];
  end: () => Parsed[];
};

const inMegabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MB`;

export const tooLong = (what: Said, bytes: number): Said =>
  say`${what} is ${bytes} bytes long (${inMegabytes(bytes)}); the most is ${inMegabytes(maxRowBytes)}`;

/** A value of JSON that is no record. */
function kindOf(value: unknown): Said {
  if (value === null) return say`null`;
  if (Array.isArray(value)) return say`a list`;
  if (typeof value === "string") return say`text`;
  return typeof value === "number" ? say`a number` : say`a boolean`;
}

/** Why `value` cannot be stored, or null. Keys named `__proto__` are refused, so that no copy of a row can be led astray. */
function flawOf(value: unknown, depth: number): Said | null {
  if (typeof value !== "object" || value === null) return null;
  if (depth > maxRowDepth) return say`nests lists and records more than ${maxRowDepth} levels deep`;
  if (Object.hasOwn(value, "__proto__")) return say`has a key named "__proto__"`;
  for (const part of Object.values(value)) {
    const flaw = typeof part === "object" ? flawOf(part, depth + 1) : null;
    if (flaw) return flaw;
  }
  return null;
}

/** A value of the file as a row of `line`. */
export function asRow(value: unknown, line: number): Parsed {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { line, reason: say`is ${kindOf(value)}, not a record` };
  }
  const flaw = flawOf(value, 1);
  return flaw ? { line, reason: flaw } : { line, row: value as Row };
}

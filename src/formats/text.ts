/** @file Plain text as rows: every line that is not blank is one, in the column `text`. */

import { say } from "../core/say";
import { type Line, newLineSplitter } from "./lines";
import { maxRowBytes, type Parsed, type RowParser, tooLong } from "./rowParser";
import { findInvalidUtf8 } from "./utf8";

export function newTextParser(): RowParser {
  const splitter = newLineSplitter(maxRowBytes);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const parse = (lines: Line[]) =>
    lines.flatMap(({ line, bytes, length }): Parsed[] => {
      if (!bytes) return [{ line, reason: tooLong(say`the line`, length) }];
      try {
        const text = decoder.decode(bytes);
        return text.trim() === "" ? [] : [{ line, row: { text } }];
      } catch {
        return [{ line, reason: say`is not UTF-8 at its byte ${findInvalidUtf8(bytes) + 1}` }];
      }
    });
  return { push: (bytes) => parse(splitter.push(bytes)), end: () => parse(splitter.end()) };
}

/** @file JSON Lines as rows: every line that is not blank is one record. */

import { type Said, say } from "../core/say";
import { findJsonProblem } from "./jsonScanner";
import { type Line, newLineSplitter } from "./lines";
import { asRow, maxRowBytes, maxRowDepth, type Parsed, type RowParser, tooLong } from "./rowParser";
import { findInvalidUtf8 } from "./utf8";

/** Longer lines are checked in flat memory before JSON.parse builds what is nested in them. */
const checkedFirst = 2 ** 16;

export function newJsonlParser(): RowParser {
  const splitter = newLineSplitter(maxRowBytes);
  const decoder = new TextDecoder("utf-8", { fatal: true });

  const explain = (bytes: Uint8Array): Said => {
    const invalid = findInvalidUtf8(bytes);
    if (invalid >= 0) return say`is not UTF-8 at its byte ${invalid + 1}`;
    const problem = findJsonProblem(bytes, maxRowDepth);
    return problem ? say`is not JSON at its byte ${problem.byte}: ${problem.reason}` : say`is not JSON`;
  };

  const parse = ({ line, bytes, length }: Line): Parsed[] => {
    if (!bytes) return [{ line, reason: tooLong(say`the line`, length) }];
    let value: unknown;
    try {
      const text = decoder.decode(bytes);
      if (text.trim() === "") return [];
      if (bytes.length > checkedFirst && findJsonProblem(bytes, maxRowDepth)) return [{ line, reason: explain(bytes) }];
      value = JSON.parse(text);
    } catch {
      return [{ line, reason: explain(bytes) }];
    }
    return [asRow(value, line)];
  };

  return { push: (bytes) => splitter.push(bytes).flatMap(parse), end: () => splitter.end().flatMap(parse) };
}

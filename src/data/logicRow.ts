/** @file The spans that a row brings along: `[[0, 14], [20, 31]]` or `[{"start": 0, "end": 14}]`, in UTF-16 units of the prompt. */

import type { Row, Span } from "../core/dataset";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { mergeSpans } from "./logicText";

function fail(reason: Said): never {
  throw new StudioError("dataset.row", reason);
}

/** The list of a cell; a table carries it as JSON. Null where there is none. */
function listOf(cell: unknown): unknown[] | null {
  if (Array.isArray(cell)) return cell as unknown[];
  if (typeof cell !== "string" || !cell.trimStart().startsWith("[")) return null;
  try {
    const parsed: unknown = JSON.parse(cell);
    return Array.isArray(parsed) ? (parsed as unknown[]) : null;
  } catch {
    return null;
  }
}

function spanOf(item: unknown): Span | null {
  const { start, end } = (typeof item === "object" && item !== null ? item : {}) as { start?: unknown; end?: unknown };
  const [from, to] = Array.isArray(item) && item.length === 2 ? (item as unknown[]) : [start, end];
  return Number.isInteger(from) && Number.isInteger(to) ? [from as number, to as number] : null;
}

const isAbsent = (cell: unknown): boolean =>
  cell === undefined || cell === null || (typeof cell === "string" && cell.trim() === "");

/** The parts of the prompt that a row says carry logic, sorted and merged; undefined where the row says nothing. Throws `dataset.row`. */
export function readSpans(row: Row, column: string, prompt: string): Span[] | undefined {
  const cell = Object.hasOwn(row, column) ? row[column] : undefined;
  if (isAbsent(cell)) return undefined;
  const list = listOf(cell) ?? fail(say`The column "${column}" is not a list of spans`);
  const spans = list.map((item, i): Span => {
    const [start, end] = spanOf(item) ?? fail(say`The column "${column}": span ${i + 1} is not [start, end]`);
    if (start < 0 || end > prompt.length || start >= end) {
      fail(say`The column "${column}": span ${i + 1}, ${start} to ${end}, is no part of a prompt of ${prompt.length}`);
    }
    return [start, end];
  });
  return mergeSpans(spans);
}

const names = ["logic_spans", "spans"];

/** The column of spans, by its name and its values: lists of spans wherever it has a value, and one at least. */
export function findSpanColumn(columns: readonly string[], rows: readonly Row[]): string | null {
  const isSpanColumn = (column: string): boolean => {
    const lists = rows.flatMap((row) => (isAbsent(row[column]) ? [] : [listOf(row[column])]));
    return lists.some((list) => (list?.length ?? 0) > 0) && lists.every((list) => list?.every((item) => spanOf(item)));
  };
  const named = columns.filter((column) => names.includes(column.toLowerCase()));
  return named.sort((a, b) => a.length - b.length).findLast(isSpanColumn) ?? null;
}

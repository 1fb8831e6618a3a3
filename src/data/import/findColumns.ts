/** @file Columns by their name, and those that hold turns. */

import type { Row } from "../../core/dataset";

/** Names are compared whole (letter case apart): "text" is not found within "context". */
export const promptNames = ["prompt", "question", "instruction", "input", "query", "problem", "user", "source"];

/** The column of that name, as the file spells it. */
export function find(columns: readonly string[], name: string): string | undefined {
  return columns.find((column) => column === name) ?? columns.find((column) => column.toLowerCase() === name);
}

export const named = (columns: readonly string[], names: readonly string[]) =>
  names.map((name) => find(columns, name)).filter((column) => column !== undefined);

const isTurn = (value: unknown, speaker: string, text: string) =>
  typeof value === "object" && value !== null && Object.hasOwn(value, speaker) && Object.hasOwn(value, text);

/** The turns of a cell; a table carries them as JSON. */
function turnsOf(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value as unknown[];
  if (typeof value !== "string" || !value.startsWith("[")) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? (parsed as unknown[]) : null;
  } catch {
    return null;
  }
}

/** Columns whose every cell is a list of turns, spelt so. */
export function turnColumns(columns: readonly string[], rows: readonly Row[], speaker: string, text: string): string[] {
  return columns.filter((column) => {
    const lists = rows.flatMap((row) => (Object.hasOwn(row, column) ? [turnsOf(row[column])] : []));
    return lists.length > 0 && lists.every((turns) => turns?.every((turn) => isTurn(turn, speaker, text)));
  });
}

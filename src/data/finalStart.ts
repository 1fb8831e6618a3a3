/** @file Where a row itself says that its final answer begins: a place in the completion, in UTF-16 units. */

import { finalStartColumn, type Row } from "../core/dataset";
import { say } from "../core/say";
import { cellOf, fail } from "./rowCells";

/** A cell's number (a table carries it as text), null where it is none, undefined where nothing stands there. */
function placeOf(cell: unknown): number | null | undefined {
  if (cell === undefined || cell === null || (typeof cell === "string" && cell.trim() === "")) return undefined;
  const place = typeof cell === "string" && /^\s*\d+\s*$/.test(cell) ? Number(cell) : cell;
  return typeof place === "number" && Number.isSafeInteger(place) && place >= 0 ? place : null;
}

/** 0: all is the answer; the completion's length: all is steps. Undefined where the row says nothing. Throws `dataset.row`. */
export function readFinalStart(row: Row, column: string, completion: string): number | undefined {
  const cell = cellOf(row, column);
  const place = placeOf(cell);
  if (place === null)
    fail(say`The column "${column}" is not a place in the answer: ${JSON.stringify(cell).slice(0, 40)}`);
  if (place !== undefined && place > completion.length)
    fail(say`The column "${column}": ${place} is beyond the answer, which has ${completion.length} characters`);
  return place;
}

/** The column of such places, by its name and its values: one at least, and nothing else. */
export function findFinalStartColumn(columns: readonly string[], rows: readonly Row[]): string | null {
  const column = columns.find((each) => each.toLowerCase() === finalStartColumn);
  if (column === undefined) return null;
  const places = rows.flatMap(
    (row) => placeOf(cellOf(row, column)) ?? (placeOf(cellOf(row, column)) === null ? [null] : []),
  );
  return places.length > 0 && places.every((place) => place !== null) ? column : null;
}

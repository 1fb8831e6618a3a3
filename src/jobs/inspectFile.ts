/** @file A first look at a dropped file: what it is, its columns, its first rows, how they may be read. */

import type { Inspection, Mapping, Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { columnsOf, detectMapping } from "../data/import/detectMapping";
import { openRows } from "../data/import/readRows";
import { tryExample } from "../data/import/tryExample";
import type { Parsed } from "../formats/rowParser";

/** Rows the guess is made from, rows that are shown, and bytes after which the rows read so far are enough. */
const guessRows = 100;
const shownRows = 20;
const enoughBytes = 2 ** 18;
/** A file that has shown no row after so many milliseconds is given up. */
const patience = 1500;

/** Throws for a mapping that names a column the rows do not have. */
function checkColumns(mapping: Mapping, columns: string[]): void {
  const { prompt, completion, turns, rejected = "", label = "", dimension = "" } = mapping;
  const named = [...prompt, completion, turns, rejected, label, dimension].filter((column) => column !== "");
  const missing = named.find((column) => !columns.includes(column));
  if (missing !== undefined) {
    throw new StudioError("dataset.row", say`There is no column "${missing}"; there are ${columns.join(", ")}`);
  }
}

/**
 * Reads no more of the file than it needs.
 * @param mapping the person's choice; without it the likeliest is given.
 * @throws `dataset.format`, `dataset.empty`, `file.unreadable`; `dataset.row` where no row can be read.
 */
export async function inspectFile(file: Blob & { name: string }, mapping?: Mapping): Promise<Inspection> {
  const { container, stretches } = await openRows(file, file.name);
  const started = performance.now();
  const rows: Row[] = [];
  let flaw: Exclude<Parsed, { row: Row }> | undefined;
  let seen = 0;
  for await (const { bytes, parsed } of stretches()) {
    seen += bytes.length;
    for (const item of parsed) {
      if (!("row" in item)) flaw ??= item;
      else if (rows.length < guessRows) rows.push(item.row);
    }
    if (rows.length >= guessRows || (rows.length > 0 && seen >= enoughBytes)) break;
    if (rows.length === 0 && performance.now() - started > patience) {
      const where = flaw ? say`Line ${flaw.line}: ${flaw.reason}` : say`the first row does not end`;
      throw new StudioError("dataset.format", say`"${file.name}" shows no row in its first ${seen} bytes. ${where}`);
    }
  }
  if (rows.length === 0) {
    if (flaw) throw new StudioError("dataset.row", say`"${file.name}", line ${flaw.line}: ${flaw.reason}`);
    throw new StudioError("dataset.empty", say`"${file.name}" holds no row`);
  }
  const columns = columnsOf(rows);
  if (mapping) checkColumns(mapping, columns);
  const guess = detectMapping(columns, rows);
  const chosen = mapping ?? guess.mapping;
  const first = rows.slice(0, shownRows);
  return {
    container,
    columns,
    first,
    mapping: chosen,
    candidates: guess.candidates,
    examples: first.map((row) => tryExample(row, chosen)),
  };
}

/** @file A file becomes a data set: read once, hashed, its rows checked under the mapping and stored as they come. */

import { createSHA256 } from "hash-wasm";
import type { BadRow, Dataset, Mapping, Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import { newId } from "../core/ids";
import { say } from "../core/say";
import { type Bytes, bytes, millis } from "../core/units";
import { openRows, type Stretch } from "../data/import/readRows";
import { tryExample } from "../data/import/tryExample";
import { type DatasetWriter, newDatasetWriter } from "../storage/datasets";

/** Bad rows listed at most; all are counted. */
const listed = 1000;
const maxColumns = 1000;
/** Milliseconds between two tellings of progress. */
const progressMillis = 50;

export type ImportProgress = { done: Bytes; total: Bytes; rows: number };
export type ImportResult = { dataset: Dataset } | { bad: BadRow[]; badCount: number; rows: number };

export type ImportOptions = {
  file: Blob & { name: string };
  name: string;
  mapping: Mapping;
  /** `report`: a bad row keeps everything from being stored. `skip`: it is left out and listed. */
  onBad: "report" | "skip";
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
  newWriter?: (record: Pick<Dataset, "id">) => DatasetWriter;
};

function checkGoingOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new StudioError("task.aborted", undefined, { cause: signal.reason });
}

/** Sorts rows into those that make an example and those that do not. */
function newSorter(mapping: Mapping) {
  const columns = new Set<string>();
  const bad: BadRow[] = [];
  let badCount = 0;
  let rows = 0;

  const refuse = (row: BadRow) => {
    badCount++;
    if (bad.length < listed) bad.push(row);
  };
  return {
    columns,
    bad,
    counts: () => ({ rows, badCount }),
    /** The good rows of a stretch. */
    sort(parsed: Stretch["parsed"]): Row[] {
      const good: Row[] = [];
      for (const item of parsed) {
        if (!("row" in item)) {
          refuse(item);
          continue;
        }
        const example = tryExample(item.row, mapping);
        if ("reason" in example) {
          refuse({ line: item.line, reason: example.reason });
          continue;
        }
        good.push(item.row);
        for (const column of Object.keys(item.row)) columns.add(column);
        if (columns.size > maxColumns) {
          throw new StudioError(
            "dataset.format",
            say`Line ${item.line}: the rows have more than ${maxColumns} columns`,
          );
        }
      }
      rows += good.length;
      return good;
    },
  };
}

/**
 * The whole file in one pass. Stopped, failed or reported, it leaves nothing in storage.
 * @throws `dataset.format`, `dataset.empty`, `file.unreadable`, `storage.full`, `storage.failed`, `task.aborted`.
 */
export async function importDataset(options: ImportOptions): Promise<ImportResult> {
  const { file, name, mapping, onBad, signal, onProgress } = options;
  checkGoingOn(signal);
  const { stretches } = await openRows(file, file.name);
  const hash = await createSHA256();
  const sorter = newSorter(mapping);
  const id = newId("dataset");
  const writer = (options.newWriter ?? newDatasetWriter)({ id });
  let done = 0;
  let told = -Infinity;
  const tell = () => {
    told = performance.now();
    onProgress?.({ done: bytes(done), total: bytes(file.size), rows: sorter.counts().rows });
  };
  try {
    for await (const stretch of stretches()) {
      checkGoingOn(signal);
      hash.update(stretch.bytes);
      done += stretch.bytes.length;
      const good = sorter.sort(stretch.parsed);
      // once something is to be reported nothing will be stored: the rest is only counted
      if (onBad === "skip" || sorter.bad.length === 0) await writer.append(good);
      if (performance.now() - told > progressMillis) tell();
    }
    checkGoingOn(signal);
    tell();
    const { rows, badCount } = sorter.counts();
    if (badCount > 0 && onBad === "report") {
      await writer.abort();
      return { bad: sorter.bad, badCount, rows };
    }
    if (rows === 0) {
      const first = sorter.bad[0];
      throw new StudioError(
        "dataset.empty",
        first
          ? say`"${file.name}" holds no row that can be used. Line ${first.line}: ${first.reason}`
          : say`"${file.name}" holds no row that can be used`,
      );
    }
    const dataset: Dataset = {
      id,
      version: 1,
      name,
      createdAt: millis(Date.now()),
      bytes: bytes(file.size),
      hash: hash.digest("hex"),
      rows,
      columns: [...sorter.columns],
      mapping,
      skipped: sorter.bad,
      skippedCount: badCount,
      licence: "",
    };
    await writer.commit(dataset);
    return { dataset };
  } catch (error) {
    await writer.abort().catch(() => undefined); // what is left is swept at the next start
    throw error;
  }
}

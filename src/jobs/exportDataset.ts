/** @file A data set as JSONL: rows that judge in TRL's explicit form, all others as they came. */

import { finalStartColumn, type Mapping, type Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import { type DatasetId, embeddedDataset } from "../core/ids";
import { nextTick } from "../core/nextTick";
import { say } from "../core/say";
import { toExample } from "../data/example";
import { getDataset, readRows } from "../storage/datasets";
import type { ReadAsset } from "./loadSource";

/** Rows read at once; each stretch leaves the heap as a Blob of its own. */
const stretch = 2000;

/** {prompt, chosen, rejected}, {prompt, completion, label}, or the row. Throws `dataset.row` for one that cannot be used. */
export function newExportRow(row: Row, mapping: Mapping): Row {
  if (mapping.format !== "preference" && mapping.format !== "unpaired") return row;
  const { prompt, completion, rejected, label, dimension, finalStart } = toExample(row, mapping);
  const marked = finalStart === undefined ? {} : { [finalStartColumn]: finalStart };
  if (rejected === undefined) return { prompt, completion, label, ...marked };
  return { prompt, chosen: completion, rejected, ...(dimension === undefined ? {} : { dimension }), ...marked };
}

/** Throws `dataset.missing`, `storage.failed`, and the signal's reason when aborted. */
export async function exportDataset(id: DatasetId, read: ReadAsset, signal: AbortSignal): Promise<Blob> {
  const type = "application/jsonl";
  if (id === embeddedDataset) {
    const bytes = await read("embedded/train.jsonl");
    if (!bytes) throw new StudioError("dataset.missing", say`embedded/train.jsonl is not there`);
    return new Blob([bytes], { type });
  }
  const { rows, mapping } = await getDataset(id);
  const parts: Blob[] = [];
  for (let from = 0; from < rows; from += stretch) {
    const some = await readRows(id, from, Math.min(stretch, rows - from));
    parts.push(new Blob(some.map((row) => `${JSON.stringify(newExportRow(row, mapping))}\n`)));
    await nextTick();
    signal.throwIfAborted();
  }
  return new Blob(parts, { type });
}

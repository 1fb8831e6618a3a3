/** @file Data sets on disk: a record each, and their rows in chunks that are read at random. */

import { type Dataset, parseDataset, type Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import type { DatasetId } from "../core/ids";
import { say } from "../core/say";
import { type RowChunk, read, together, write } from "./database";
import { takeLock } from "./locks";
import { type Records, readEach } from "./readEach";

const chunkRows = 500;
/** UTF-16 units; 4 MiB at two bytes each. A single longer row is a chunk by itself. */
const chunkLength = 2 ** 21;

export const importLock = (id: DatasetId) => `anneal-import-${id}`;
/** Every chunk of a data set: an array sorts after every number. */
export const allRows = (id: DatasetId) => IDBKeyRange.bound([id], [id, []]);

/** All imported data sets, oldest first. */
export async function listDatasets(): Promise<Records<Dataset>> {
  const records = await read(["datasets"], (tx) => tx.objectStore("datasets").index("createdAt").getAll());
  return readEach(records, parseDataset);
}

/** Throws `dataset.missing`. */
export async function getDataset(id: DatasetId): Promise<Dataset> {
  const record = await read(["datasets"], (tx) => tx.objectStore("datasets").get(id));
  if (record === undefined) throw new StudioError("dataset.missing");
  return parseDataset(record);
}

export async function deleteDataset(id: DatasetId): Promise<void> {
  await write(["datasets", "rows"], async (tx) => {
    await together([() => tx.objectStore("datasets").delete(id), () => tx.objectStore("rows").delete(allRows(id))]);
  });
}

/**
 * Rows `from` … `from + count − 1`, fewer at the end of the data set. Reads the chunks they lie in and no others.
 * @throws `dataset.missing`, and `storage.failed` where rows that the record promises are gone.
 */
export async function readRows(id: DatasetId, from: number, count: number): Promise<Row[]> {
  const chunks = await read(["rows"], async (tx): Promise<RowChunk[]> => {
    const store = tx.objectStore("rows");
    const first = await store.openKeyCursor(IDBKeyRange.bound([id], [id, from]), "prev");
    return first ? store.getAll(IDBKeyRange.bound(first.primaryKey, [id, from + count], false, true)) : [];
  });
  const rows: Row[] = [];
  for (const chunk of chunks) {
    const lines = chunk.text.split("\n");
    const start = Math.max(0, from - chunk.from);
    for (const line of lines.slice(start, Math.max(start, from + count - chunk.from))) {
      rows.push(JSON.parse(line) as Row);
    }
  }
  const { rows: total } = rows.length === count ? { rows: from + count } : await getDataset(id);
  if (rows.length < Math.min(count, total - from)) {
    throw new StudioError("storage.failed", say`Rows ${from + rows.length + 1} and on of the data set are gone`);
  }
  return rows;
}

type Whole = { dataset: Dataset; rows: Row[] };

/** Is given null where there is no such data set, and answers null where there shall be none. */
export type DatasetEdit = (stored: Whole | null) => Whole | null;

/**
 * Small data sets read, changed and written in one transaction, so that no other tab's change is lost.
 * @throws `storage.full`, `storage.failed`, and what an edit throws; all stays as it was then.
 */
export async function editDatasets(edits: readonly (readonly [DatasetId, DatasetEdit])[]): Promise<void> {
  await write(["datasets", "rows"], async (tx) => {
    const [records, chunks] = [tx.objectStore("datasets"), tx.objectStore("rows")];
    for (const [id, edit] of edits) {
      const record: unknown = await records.get(id);
      const lines = (await chunks.getAll(allRows(id))).flatMap(({ text }) => text.split("\n"));
      const rows = lines.map((line) => JSON.parse(line) as Row);
      const changed = edit(record === undefined ? null : { dataset: parseDataset(record), rows });
      await chunks.delete(allRows(id));
      if (!changed) {
        await records.delete(id);
        continue;
      }
      for (let from = 0; from < changed.rows.length; from += chunkRows) {
        const some = changed.rows.slice(from, from + chunkRows).map((row) => JSON.stringify(row));
        await chunks.put({ dataset: id, from, count: some.length, text: some.join("\n") });
      }
      await records.put(changed.dataset);
    }
  });
}

/**
 * One row changed in its place, and the record with it, in one transaction: other rows are not read.
 * @throws `dataset.missing`, `storage.full`, `storage.failed`, and what `change` throws; all stays as it was then.
 */
export async function editRow(
  id: DatasetId,
  index: number,
  change: (dataset: Dataset, row: Row) => { dataset: Dataset; row: Row },
): Promise<Dataset> {
  return write(["datasets", "rows"], async (tx) => {
    const [records, chunks] = [tx.objectStore("datasets"), tx.objectStore("rows")];
    const record: unknown = await records.get(id);
    if (record === undefined) throw new StudioError("dataset.missing");
    const cursor = await chunks.openCursor(IDBKeyRange.bound([id], [id, index]), "prev");
    const lines = cursor?.value.text.split("\n") ?? [];
    const at = index - (cursor?.value.from ?? 0);
    const line = lines[at];
    if (!cursor || line === undefined) {
      throw new StudioError("dataset.missing", say`The data set has no row ${index + 1}`);
    }
    const { dataset, row } = change(parseDataset(record), JSON.parse(line) as Row);
    lines[at] = JSON.stringify(row);
    await cursor.update({ ...cursor.value, text: lines.join("\n") });
    await records.put(dataset);
    return dataset;
  });
}

export type DatasetWriter = {
  append(rows: Row[]): Promise<void>;
  /** Stores what is left and, last, the record: only now the data set exists. */
  commit(final: Dataset): Promise<void>;
  /** Takes back all rows written. */
  abort(): Promise<void>;
};

/**
 * Writes a data set's rows as they come. A crash before `commit` leaves rows without a record, which the next
 * start sweeps; until then the import's lock keeps another tab's sweep away.
 */
export function newDatasetWriter(record: Pick<Dataset, "id">): DatasetWriter {
  const dataset = record.id;
  const ready: RowChunk[] = [];
  let lines: string[] = [];
  let length = 0; // of `lines`
  let readyLength = 0;
  let from = 0;
  let release: (() => void) | null = null;

  const lock = async () => {
    release ??= await takeLock(importLock(dataset));
    if (!release) throw new StudioError("storage.failed", say`The data set is being written elsewhere`);
  };
  const unlock = () => {
    release?.();
    release = null;
  };
  const closeChunk = () => {
    if (lines.length === 0) return;
    ready.push({ dataset, from, count: lines.length, text: lines.join("\n") });
    from += lines.length;
    readyLength += length;
    lines = [];
    length = 0;
  };
  const flush = async (final?: Dataset) => {
    await write(["datasets", "rows"], async (tx) => {
      const rows = tx.objectStore("rows");
      await together(ready.map((chunk) => () => rows.put(chunk)));
      if (final) await tx.objectStore("datasets").put(final);
    });
    ready.length = 0;
    readyLength = 0;
  };

  return {
    async append(rows) {
      await lock();
      for (const row of rows) {
        const line = JSON.stringify(row);
        if (length + line.length > chunkLength) closeChunk();
        lines.push(line);
        length += line.length;
        if (lines.length === chunkRows) closeChunk();
        if (readyLength >= chunkLength) await flush();
      }
    },

    async commit(final) {
      await lock();
      closeChunk();
      await flush(final);
      unlock();
    },

    async abort() {
      try {
        await write(["rows"], (tx) => tx.objectStore("rows").delete(allRows(dataset)));
      } finally {
        unlock();
      }
    },
  };
}

/** @file Where a recipe's rows come from: the embedded files, a stored data set, or (command line) a file. */

import type { Example, Mapping, Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import type { DatasetId } from "../core/ids";
import { nextTick } from "../core/nextTick";
import { say } from "../core/say";
import { toExample } from "../data/example";
import { openRows } from "../data/import/readRows";
import { getDataset, readRows } from "../storage/datasets";
import { inspectFile } from "./inspectFile";
import type { Source } from "./prepareData";

/** Reads a file that ships with the studio, by its path under public/; null where there is none. */
export type ReadAsset = (path: string) => Promise<Uint8Array<ArrayBuffer> | null>;

/** The embedded files hold GSM8K's own columns. */
const embeddedMapping: Mapping = { format: "gsm8k", prompt: ["question"], completion: "answer", turns: "" };

/** Throws `dataset.missing`. */
export async function readEmbedded(read: ReadAsset, file: "train" | "heldout" | "unseen"): Promise<Example[]> {
  const bytes = await read(`embedded/${file}.jsonl`);
  if (!bytes) throw new StudioError("dataset.missing", say`embedded/${file}.jsonl is not there`);
  const lines = new TextDecoder().decode(bytes).split("\n");
  return lines.filter((line) => line !== "").map((line) => toExample(JSON.parse(line) as Row, embeddedMapping));
}

export async function loadEmbeddedSource(read: ReadAsset): Promise<Source> {
  const [examples, heldout] = await Promise.all([readEmbedded(read, "train"), readEmbedded(read, "heldout")]);
  return { examples, heldout };
}

const chunk = 2000;

/** Throws `dataset.missing`, and the signal's reason when aborted. */
export async function loadDatasetSource(id: DatasetId, signal: AbortSignal): Promise<Source> {
  const { rows, mapping } = await getDataset(id);
  const examples: Example[] = [];
  for (let from = 0; from < rows; from += chunk) {
    for (const row of await readRows(id, from, Math.min(chunk, rows - from))) examples.push(toExample(row, mapping));
    await nextTick();
    signal.throwIfAborted();
  }
  return { examples, heldout: null };
}

/**
 * A whole file as examples, under the likeliest mapping. Throws `dataset.row` at the first row that cannot be used,
 * and what `inspectFile` throws.
 */
export async function readExamples(file: Blob & { name: string }): Promise<{ mapping: Mapping; examples: Example[] }> {
  const { mapping } = await inspectFile(file);
  const { stretches } = await openRows(file, file.name);
  const examples: Example[] = [];
  for await (const { parsed } of stretches()) {
    for (const item of parsed) {
      try {
        if (!("row" in item)) throw new StudioError("dataset.row", item.reason);
        examples.push(toExample(item.row, mapping));
      } catch (error) {
        if (!(error instanceof StudioError)) throw error;
        throw new StudioError("dataset.row", say`"${file.name}", line ${item.line}: ${error.detail ?? error.message}`, {
          cause: error,
        });
      }
    }
  }
  if (examples.length === 0) throw new StudioError("dataset.empty", say`"${file.name}" holds no row`);
  return { mapping, examples };
}

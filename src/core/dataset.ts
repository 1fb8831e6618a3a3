/** @file A data set: its formats, the mapping from columns to a training example, its record. */

import { StudioError } from "./errors";
import type { DatasetId } from "./ids";
import { parseSaid, type Said, say } from "./say";
import type { Bytes, Millis } from "./units";

export const datasetFormats = ["gsm8k", "alpaca", "sharegpt", "messages", "prompt-completion", "text"] as const;
export type DatasetFormat = (typeof datasetFormats)[number];

/** A record of the file, as it stands there. */
export type Row = Record<string, unknown>;

/** [start, end) in UTF-16 units of a text. */
export type Span = [start: number, end: number];

/**
 * What a row becomes under a mapping: what the model is given and what it learns to answer. `spans`, where the row brings
 * any, are the parts of the prompt that carry logic: sorted, apart, within it.
 */
export type Example = { prompt: string; completion: string; spans?: Span[] };

/**
 * Which column plays which part. `prompt` lists columns joined by a blank line (alpaca's instruction and input);
 * sharegpt and messages name the column of turns in `turns`, and split at the last turn of the assistant. `spans` names
 * the column that marks parts of the prompt, as it stands in the example.
 */
export type Mapping = { format: DatasetFormat; prompt: string[]; completion: string; turns: string; spans?: string };

/** A line that could not be used: 1-based line (or record) number and why, in one sentence. */
export type BadRow = { line: number; reason: Said };

export type Dataset = {
  id: DatasetId;
  version: 1;
  name: string;
  createdAt: Millis;
  bytes: Bytes;
  /** SHA-256 of the file, hexadecimal. */
  hash: string;
  rows: number;
  columns: string[];
  mapping: Mapping;
  /** Bad lines left out at import, by the user's choice; at most the first 1,000 are listed. */
  skipped: BadRow[];
  skippedCount: number;
  licence: string;
};

/** What a look at a file's first rows shows, before anything is stored. */
export type Inspection = {
  container: "jsonl" | "json" | "csv" | "text";
  columns: string[];
  first: Row[];
  /** Best guess, and every other format the columns allow. */
  mapping: Mapping;
  candidates: Mapping[];
  /** What each of the first rows becomes under `mapping`, or why it cannot be used. */
  examples: (Example | { reason: Said })[];
};

/** Reads a stored record of any age, or throws `storage.failed`. */
export function parseDataset(stored: unknown): Dataset {
  const record = stored as Partial<Dataset> | null | undefined;
  if (
    !record ||
    record.version !== 1 ||
    typeof record.id !== "string" ||
    typeof record.rows !== "number" ||
    !record.mapping
  ) {
    throw new StudioError("storage.failed", say`A data set's record is unreadable`);
  }
  const skipped = (record.skipped ?? []).map(({ line, reason }) => {
    const said = parseSaid(reason); // plain text in records written before reasons could be translated
    if (!said) throw new StudioError("storage.failed", say`A data set's record is unreadable`);
    return { line, reason: said };
  });
  return { ...(record as Dataset), skipped };
}

/** @file A data set: its formats, the mapping from columns to a training example, its record. */

import { StudioError } from "./errors";
import type { DatasetId } from "./ids";
import { parseSaid, type Said, say } from "./say";
import type { Bytes, Millis } from "./units";

export const datasetFormats = [
  "gsm8k",
  "alpaca",
  "sharegpt",
  "messages",
  "prompt-completion",
  "text",
  "preference",
  "unpaired",
] as const;
export type DatasetFormat = (typeof datasetFormats)[number];

/** A record of the file, as it stands there. */
export type Row = Record<string, unknown>;

/** [start, end) in UTF-16 units of a text. */
export type Span = [start: number, end: number];

/** What a row becomes under a mapping: what the model is given and what it learns to answer. */
export type Example = {
  prompt: string;
  /** In a preference row the chosen answer, in an unpaired one the answer that `label` judges. */
  completion: string;
  /** A preference row: the answer that lost, never the same as `completion`. */
  rejected?: string;
  /** An unpaired row (KTO): whether the completion is desirable. */
  label?: boolean;
  /** What a preference judges (helpfulness, brevity), for reward models of several dimensions. */
  dimension?: string;
  /** Parts of the prompt that carry logic, where the row brings any: sorted, apart, within it. */
  spans?: Span[];
  /** Where the final answer begins in the completion, in UTF-16 units, where the row says so itself. */
  finalStart?: number;
};

/**
 * Which column plays which part. `prompt` lists columns joined by a blank line (alpaca's instruction and input);
 * sharegpt, messages and unpaired rows without a completion of their own name the column of turns in `turns`, and split
 * at the last turn of the assistant.
 */
export type Mapping = {
  format: DatasetFormat;
  /** Empty in a preference row: the prompt is what the two answers begin with. */
  prompt: string[];
  /** In a preference row the chosen answer. */
  completion: string;
  turns: string;
  /** The rejected answer; the same column as `completion` where that lists the better and the worse one. */
  rejected?: string;
  /** Whether the completion is desirable, in an unpaired row. */
  label?: string;
  /** What a preference judges. */
  dimension?: string;
  /** Marks parts of the prompt, as it stands in the example. */
  spans?: string;
  /** Says where the final answer begins in the completion. */
  finalStart?: string;
};

/** The column that marks made by hand are kept in. */
export const finalStartColumn = "final_start";

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

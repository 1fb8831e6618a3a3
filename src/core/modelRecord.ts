/** @file An imported model: its record, and what the Models page shows of one. */

import { StudioError, type WireError } from "./errors";
import type { ModelId } from "./ids";
import type { ModelConfig } from "./model";
import { type Said, say } from "./say";
import type { Bytes, Millis } from "./units";

export const modelContainers = ["safetensors", "gguf", "llama2c"] as const;
export type ModelContainer = (typeof modelContainers)[number];

/** Where a model's files came from: dropped by hand, or a repository of a Hugging Face hub. */
export type ModelOrigin = { kind: "files" } | { kind: "hub"; host: string; repository: string; revision: string };

export type ModelFile = {
  name: string;
  bytes: number;
  /** SHA-256, hexadecimal; null until the file is here whole. */
  hash: string | null;
};

/** `importing` until every file is here: an import that was cut off goes on from the bytes it has. */
export type ModelRecord = {
  id: ModelId;
  version: 1;
  name: string;
  createdAt: Millis;
  status: "importing" | "ready";
  origin: ModelOrigin;
  files: ModelFile[];
};

/** Reads a stored record of any age, or throws `storage.failed`. */
export function parseModelRecord(stored: unknown): ModelRecord {
  const record = stored as Partial<ModelRecord> | null | undefined;
  if (
    !record ||
    record.version !== 1 ||
    typeof record.id !== "string" ||
    typeof record.name !== "string" ||
    !Array.isArray(record.files)
  ) {
    throw new StudioError("storage.failed", say`A model's record has a form that this version does not know`);
  }
  return record as ModelRecord;
}

/** What a model is, as its files say. */
export type ModelFacts = {
  container: ModelContainer;
  config: ModelConfig;
  parameters: number;
  /** What its weights take on the device, packed as they are by default. */
  deviceBytes: Bytes;
  /** Types of the numbers in its files and how many tensors have each, most first. */
  types: [type: string, tensors: number][];
  /** As the files name it, or empty. */
  licence: string;
  /** The model's own chat template as a recipe writes templates; null where it has none that can be. */
  template: { prompt: string; completion: string } | null;
  /** Why its chat template is not used. */
  templateProblem: Said | null;
};

/** What the Models page lists. */
export type Model = {
  id: ModelId;
  name: string;
  origin: ModelOrigin | { kind: "embedded" };
  /** Of its files, the part that is here and the whole. */
  stored: Bytes;
  bytes: Bytes;
  files: ModelFile[];
  /** `cut off`: an import that nobody goes on with; `unusable`: the files are here and do not open. */
  status: "ready" | "importing" | "cut off" | "unusable";
  /** Null where the files are not all here, or do not open. */
  facts: ModelFacts | null;
  problem: WireError | null;
};

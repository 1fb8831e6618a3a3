/** @file An adapter of the library: imported, or added up from others. Those of runs are their checkpoints. */

import * as z from "zod/mini";
import { type Adaptation, adaptationSchema } from "./adaptation";
import { StudioError } from "./errors";
import type { AdapterId, RunId } from "./ids";
import { type Dimension, dimensionsSchema } from "./objective";
import type { Recipe } from "./recipe";
import { say } from "./say";
import type { Bytes, Millis } from "./units";

/** What the embedded base is called in an adapter's files. */
export const embeddedBaseName = "anneal-base";

/** What an answer can be asked of, beside a base. */
export type TrainedId = RunId | AdapterId;

export type AdapterOrigin =
  | { kind: "files"; names: string[] }
  /** Added up: each by its weight, under the name that it had then. */
  | { kind: "sum"; parts: { name: string; weight: number }[] };

export type AdapterRecord = {
  id: AdapterId;
  version: 1;
  name: string;
  createdAt: Millis;
  /** The base that it fits, as recipes name it. */
  model: string;
  adaptation: Adaptation;
  /** What stands around a prompt. */
  template: Recipe["template"];
  origin: AdapterOrigin;
  /** Of a reward model: what its numbers are called, and count, where its files told. */
  dimensions?: Dimension[];
  /** Its tensors' file, and the bytes of it. */
  file: string;
  bytes: Bytes;
};

/** Reads a stored record of any age, or throws `storage.failed`. */
export function parseAdapterRecord(stored: unknown): AdapterRecord {
  const record = stored as Partial<AdapterRecord> | null | undefined;
  const adaptation = adaptationSchema.safeParse(record?.adaptation);
  const dimensions = z.optional(dimensionsSchema).safeParse(record?.dimensions);
  const isKnown = adaptation.success && dimensions.success;
  if (!record || record.version !== 1 || typeof record.id !== "string" || !record.file || !isKnown) {
    throw new StudioError("storage.failed", say`An adapter's record has a form that this version does not know`);
  }
  return { ...(record as AdapterRecord), adaptation: adaptation.data };
}

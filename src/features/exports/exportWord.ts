/** @file The keys of words that are made of a format. */

import type { exporting } from "../../ui/words/en/exports";

export type ExportWord<K extends "format" | "number"> = keyof (typeof exporting)[K];

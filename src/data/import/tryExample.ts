/** @file A row as an example, or the reason why it gives none. */

import type { Example, Mapping, Row } from "../../core/dataset";
import { StudioError } from "../../core/errors";
import { toExample } from "../example";

export function tryExample(row: Row, mapping: Mapping): Example | { reason: string } {
  try {
    return toExample(row, mapping);
  } catch (error) {
    if (error instanceof StudioError && error.code === "dataset.row") return { reason: error.message };
    throw error;
  }
}

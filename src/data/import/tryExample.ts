/** @file A row as an example, or the reason why it gives none. */

import type { Example, Mapping, Row } from "../../core/dataset";
import { StudioError } from "../../core/errors";
import { type Said, sentence } from "../../core/say";
import { toExample } from "../example";

export function tryExample(row: Row, mapping: Mapping): Example | { reason: Said } {
  try {
    return toExample(row, mapping);
  } catch (error) {
    if (error instanceof StudioError && error.code === "dataset.row") {
      return { reason: error.detail ?? sentence(error.message) };
    }
    throw error;
  }
}

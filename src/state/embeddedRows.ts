/** @file The rows of the embedded data set, fetched once. */

import type { Row } from "../core/dataset";
import { StudioError } from "../core/errors";

type Embedded = { rows: Row[]; size: number };

let fetched: Promise<Embedded> | undefined;

async function fetchRows(): Promise<Embedded> {
  const response = await fetch(`${import.meta.env.BASE_URL}embedded/train.jsonl`);
  if (!response.ok) throw new StudioError("dataset.missing", `The embedded data: HTTP ${response.status}`);
  const text = await response.text();
  const rows = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
  return { rows, size: new Blob([text]).size };
}

export function embeddedRows(): Promise<Embedded> {
  fetched ??= fetchRows();
  fetched.catch(() => {
    fetched = undefined; // the next call tries again
  });
  return fetched;
}

/** @file The embedded data set: what its manifest says, and its rows once they are asked for. */

import type { Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import { say } from "../core/say";

const folder = `${import.meta.env.BASE_URL}embedded/`;

async function fetchAsset(name: string): Promise<Response> {
  const response = await fetch(folder + name);
  if (!response.ok) throw new StudioError("dataset.missing", say`embedded/${name}: HTTP ${response.status}`);
  return response;
}

/** How many rows and bytes there are, without fetching them. */
export async function embeddedSize(): Promise<{ rows: number; bytes: number }> {
  const manifest = (await (await fetchAsset("manifest.json")).json()) as Manifest;
  const train = manifest.data.find(({ name }) => name === "train");
  if (!train) throw new StudioError("dataset.missing", say`embedded/manifest.json names no training data`);
  return { rows: train.rows, bytes: train.bytes };
}

type Manifest = { data: { name: string; rows: number; bytes: number }[] };

let fetched: Promise<Row[]> | undefined;

async function fetchRows(): Promise<Row[]> {
  const text = await (await fetchAsset("train.jsonl")).text();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
}

export function embeddedRows(): Promise<Row[]> {
  fetched ??= fetchRows();
  fetched.catch(() => {
    fetched = undefined; // the next call tries again
  });
  return fetched;
}

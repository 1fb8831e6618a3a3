/** @file The embedded data set: what its manifest says, and its rows once they are asked for. */

import type { Row } from "../core/dataset";
import { StudioError } from "../core/errors";

const folder = `${import.meta.env.BASE_URL}embedded/`;

async function fetchAsset(name: string, method: "GET" | "HEAD" = "GET"): Promise<Response> {
  const response = await fetch(folder + name, { method });
  if (!response.ok) throw new StudioError("dataset.missing", `embedded/${name}: HTTP ${response.status}`);
  return response;
}

/** How many rows and bytes there are, without fetching them. */
export async function embeddedSize(): Promise<{ rows: number; bytes: number }> {
  const [manifest, head] = await Promise.all([
    fetchAsset("manifest.json").then((response) => response.json() as Promise<Manifest>),
    fetchAsset("train.jsonl", "HEAD"),
  ]);
  const train = manifest.data.find(({ name }) => name === "train");
  if (!train) throw new StudioError("dataset.missing", "embedded/manifest.json names no training data");
  return { rows: train.rows, bytes: Number(head.headers.get("content-length") ?? 0) };
}

type Manifest = { data: { name: string; rows: number }[] };

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

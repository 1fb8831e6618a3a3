/** @file What was found about the speed of kernels on each graphics adapter. Losing it costs a few seconds, no more. */

import { read, write } from "./database";

/** The fastest variant by shape, empty for an adapter not yet seen. Throws `storage.failed`. */
export async function readTuning(adapter: string): Promise<Record<string, string>> {
  const stored = await read(["tunings"], (tx) => tx.objectStore("tunings").get(adapter));
  const entries: [string, unknown][] = Object.entries(stored?.variants ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** Throws `storage.full` or `storage.failed`. */
export async function writeTuning(adapter: string, variants: Record<string, string>): Promise<void> {
  await write(["tunings"], (tx) => tx.objectStore("tunings").put({ adapter, variants }));
}

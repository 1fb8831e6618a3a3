/** @file Several files as one zip, stored uncompressed (weights do not compress). */

import { downloadZip } from "client-zip";

export type NamedFile = { path: string; bytes: Uint8Array<ArrayBuffer> };

/** @param modified the date every file in the zip carries. */
export async function newZip(
  files: readonly NamedFile[],
  modified: Date = new Date(),
): Promise<Uint8Array<ArrayBuffer>> {
  const inputs = files.map(({ path, bytes }) => ({ name: path, input: bytes, lastModified: modified }));
  return new Uint8Array(await downloadZip(inputs).arrayBuffer());
}

/** The same, a piece at a time. */
export async function* streamZip(
  files: readonly { path: string; size: number; bytes: () => AsyncGenerator<Uint8Array> }[],
  modified: Date = new Date(),
): AsyncGenerator<Uint8Array> {
  const inputs = files.map(({ path, size, bytes }) => ({ name: path, size, input: bytes(), lastModified: modified }));
  const stream = downloadZip(inputs).body;
  if (!stream) return;
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

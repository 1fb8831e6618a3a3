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

/** @file Large files leave as one zip that is written to the browser's private file system, a few megabytes at a time. */

import { streamZip } from "../formats/zip";
import { type BigFiles, opfsBigFiles } from "../storage/bigFiles";
import { exportsFolder } from "../storage/exports";
import type { StreamedFile } from "./exportModel";
import type { ImportProgress } from "./importModel";

/** Answers where the zip lies and its size. The one made before goes. Throws `storage.full`, `storage.failed`. */
export async function writeExport(
  parts: readonly StreamedFile[],
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: ImportProgress) => void },
  files: BigFiles = opfsBigFiles,
): Promise<{ file: string; bytes: number }> {
  await files.deleteFolder(exportsFolder);
  const file = `${exportsFolder}/${crypto.randomUUID()}.zip`;
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  const zip = await files.grow(file, true);
  let bytes = 0;
  try {
    for await (const piece of streamZip(parts)) {
      signal.throwIfAborted();
      await zip.append(piece);
      bytes += piece.length;
      onProgress({ file, done: Math.min(bytes, total), total });
    }
    await zip.flush();
  } catch (error) {
    await zip.close();
    await files.deleteFolder(exportsFolder);
    throw error;
  }
  await zip.close();
  return { file, bytes };
}

/** @file The library's adapters on disk: a record each, and a file with its tensors. */

import { type AdapterRecord, parseAdapterRecord } from "../core/adapterRecord";
import { StudioError } from "../core/errors";
import type { AdapterId } from "../core/ids";
import { say } from "../core/say";
import { read, write } from "./database";
import { type Files, opfs } from "./files";
import { takeLock } from "./locks";
import { type Records, readEach } from "./readEach";

export const adaptersFolder = "adapters";
/** Held while a file waits for its record. */
const savingLock = "anneal-adapters";

export const adapterFile = (id: AdapterId) => `${adaptersFolder}/${id.slice(id.indexOf(":") + 1)}.safetensors`;

/** Oldest first. */
export async function listAdapters(): Promise<Records<AdapterRecord>> {
  const records = await read(["adapters"], (tx) => tx.objectStore("adapters").index("createdAt").getAll());
  return readEach(records, parseAdapterRecord);
}

/** Throws `adapter.missing`. */
export async function getAdapter(id: AdapterId): Promise<AdapterRecord> {
  const record = await read(["adapters"], (tx) => tx.objectStore("adapters").get(id));
  if (record === undefined) throw new StudioError("adapter.missing");
  return parseAdapterRecord(record);
}

/** The file first, the record last. Throws `storage.full` or `storage.failed`, leaving neither. */
export async function saveAdapter(
  record: AdapterRecord,
  bytes: Uint8Array<ArrayBuffer>,
  files: Files = opfs,
): Promise<void> {
  const release = await takeLock(savingLock, 60_000);
  try {
    await files.writeFile(record.file, bytes);
    await write(["adapters"], (tx) => tx.objectStore("adapters").put(record)).catch(async (error: unknown) => {
      await files.deleteFile(record.file).catch(() => undefined); // what is left is swept at the next start
      throw error;
    });
  } finally {
    release?.();
  }
}

export async function renameAdapter(id: AdapterId, name: string): Promise<void> {
  const record = await getAdapter(id);
  await write(["adapters"], (tx) => tx.objectStore("adapters").put({ ...record, name }));
}

/** Throws `storage.failed` where the file is gone or cut. */
export async function readAdapterBytes(record: AdapterRecord, files: Files = opfs): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await files.readFile(record.file);
  if (bytes?.length !== record.bytes) {
    const found = bytes ? say`${bytes.length} of ${record.bytes} bytes` : say`gone`;
    throw new StudioError("storage.failed", say`The file of ${record.name} is not whole: ${found}`);
  }
  return bytes;
}

/** The record first, so that no record is ever without its file. */
export async function deleteAdapter(id: AdapterId, files: Files = opfs): Promise<void> {
  const record = await read(["adapters"], (tx) => tx.objectStore("adapters").get(id));
  await write(["adapters"], (tx) => tx.objectStore("adapters").delete(id));
  const file = (record as { file?: unknown } | undefined)?.file;
  await files.deleteFile(typeof file === "string" ? file : adapterFile(id));
}

/** Deletes files that no record names, unless one is being saved. */
export async function sweepAdapters(files: Files = opfs): Promise<void> {
  const release = await takeLock(savingLock);
  if (!release) return;
  try {
    const records = (await read(["adapters"], (tx) => tx.objectStore("adapters").getAll())) as { file?: unknown }[];
    const named = new Set(records.map(({ file }) => file));
    for (const path of await files.listFiles(adaptersFolder)) {
      if (!named.has(path)) await files.deleteFile(path).catch(() => undefined); // the next start tries again
    }
  } finally {
    release();
  }
}

/** @file Files in a folder of the disk, with the same promises as the browser's. */

import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { say } from "../../core/say";
import type { Files } from "../files";
import { storageFailure } from "../storageFailure";

const isMissing = (error: unknown) => (error as { code?: unknown }).code === "ENOENT";

/** Makes a rename or a new name in `folder` last. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes beside, flushes, then renames over: a reader finds the old bytes or the new ones, whole. */
export async function replaceFile(file: string, bytes: Uint8Array | string): Promise<void> {
  const part = `${file}.part`;
  try {
    const handle = await open(part, "w");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
    await syncFolder(path.dirname(file));
  } catch (error) {
    await rm(part, { force: true });
    throw storageFailure(say`${file} cannot be written`, error);
  }
}

/** The file's bytes, or null where there is none. */
export async function readWhole(file: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if (isMissing(error)) return null;
    throw storageFailure(say`${file} cannot be read`, error);
  }
}

/** The names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw storageFailure(say`${folder} cannot be listed`, error);
  }
}

export function newNodeFiles(root: string): Files {
  return {
    async writeFile(name, bytes) {
      const file = path.join(root, name);
      await mkdir(path.dirname(file), { recursive: true });
      await replaceFile(file, bytes);
    },
    readFile: (name) => readWhole(path.join(root, name)),
    deleteFile: (name) => rm(path.join(root, name), { force: true }),
    listFiles: async (folder) => (await namesIn(path.join(root, folder))).map((name) => `${folder}/${name}`),
  };
}

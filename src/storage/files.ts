/** @file Big bytes as files: the interface, and the browser's private file system (OPFS) behind it. */

import { say } from "../core/say";
import { folderAt, isMissing, placeOf } from "./opfs";
import { storageFailure } from "./storageFailure";

/** Paths are `folder/name`. */
export type Files = {
  /** Makes the file and answers when its bytes are on disk. Throws `storage.full` or `storage.failed`, leaving no file. */
  writeFile: (path: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  /** The file's bytes, or null where there is no such file. */
  readFile: (path: string) => Promise<Uint8Array<ArrayBuffer> | null>;
  /** Deletes the file; one that is not there is no error. */
  deleteFile: (path: string) => Promise<void>;
  /** The paths in a folder; none where there is no such folder. */
  listFiles: (folder: string) => Promise<string[]>;
};

// lib.dom does not know the handle that only a dedicated worker has
type SyncAccess = {
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
};
type FileHandle = Omit<FileSystemFileHandle, "createSyncAccessHandle"> & {
  createSyncAccessHandle?: () => Promise<SyncAccess>;
};

async function fill(handle: FileHandle, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (!handle.createSyncAccessHandle) {
    const stream = await handle.createWritable();
    await stream.write(bytes);
    await stream.close();
    return;
  }
  const access = await handle.createSyncAccessHandle();
  try {
    access.truncate(0);
    for (let at = 0; at < bytes.length; ) at += access.write(bytes.subarray(at), { at });
    access.flush();
  } finally {
    access.close();
  }
}

export const opfs: Files = {
  async writeFile(path, bytes) {
    try {
      const [folder, name] = await placeOf(path, true);
      await fill(await folder.getFileHandle(name, { create: true }), bytes);
    } catch (error) {
      await opfs.deleteFile(path).catch(() => undefined); // what is left is swept at the next start
      throw storageFailure(say`${path} cannot be written`, error);
    }
  },

  async readFile(path) {
    try {
      const [folder, name] = await placeOf(path, false);
      const file = await (await folder.getFileHandle(name)).getFile();
      return new Uint8Array(await file.arrayBuffer());
    } catch (error) {
      if (isMissing(error)) return null;
      throw storageFailure(say`${path} cannot be read`, error);
    }
  },

  async deleteFile(path) {
    try {
      const [folder, name] = await placeOf(path, false);
      await folder.removeEntry(name);
    } catch (error) {
      if (!isMissing(error)) throw storageFailure(say`${path} cannot be deleted`, error);
    }
  },

  async listFiles(folder) {
    try {
      const paths: string[] = [];
      for await (const [name, handle] of (await folderAt(folder, false)).entries()) {
        if (handle.kind === "file") paths.push(`${folder}/${name}`);
      }
      return paths;
    } catch (error) {
      if (isMissing(error)) return [];
      throw storageFailure(say`${folder} cannot be listed`, error);
    }
  },
};

/** @file Files too large for memory: written on at their end, read by parts. In the browser they lie in OPFS. */

import { type ByteSource, blobSource } from "../core/byteSource";
import { say } from "../core/say";
import { folderAt, isMissing, placeOf } from "./opfs";
import { storageFailure } from "./storageFailure";

/** A file that grows. Only one at a time has it open. */
export type GrowingFile = {
  /** Bytes that were there when it was opened. */
  size: number;
  /** Throws `storage.full` or `storage.failed`; what was flushed stays. */
  append: (bytes: Uint8Array) => Promise<void>;
  /** What was appended is on disk when this resolves. */
  flush: () => Promise<void>;
  close: () => Promise<void>;
};

/** Paths are `folder/…/name`. */
export type BigFiles = {
  /** Opens the file to be written on, making it where there is none. `restart`: what it holds goes. */
  grow: (path: string, restart?: boolean) => Promise<GrowingFile>;
  /** Null where there is no such file. */
  open: (path: string) => Promise<ByteSource | null>;
  /** With all that is in it; one that is not there is no error. */
  deleteFolder: (path: string) => Promise<void>;
  /** Names of the folders in a folder; none where there is no such folder. */
  listFolders: (path: string) => Promise<string[]>;
};

// lib.dom does not know the handle that only a dedicated worker has
type SyncAccess = {
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
};
type FileHandle = FileSystemFileHandle & { createSyncAccessHandle: () => Promise<SyncAccess> };

/** In a worker: the page has no handle that writes in place. */
export const opfsBigFiles: BigFiles = {
  async grow(path, restart = false) {
    const failure = (error: unknown) => storageFailure(say`${path} cannot be written`, error);
    try {
      const [folder, name] = await placeOf(path, true);
      const handle = (await folder.getFileHandle(name, { create: true })) as FileHandle;
      const access = await handle.createSyncAccessHandle();
      if (restart) access.truncate(0);
      const size = access.getSize();
      let end = size;
      return {
        size,
        append(bytes) {
          try {
            for (let at = 0; at < bytes.length; ) {
              const written = access.write(bytes.subarray(at), { at: end });
              if (written === 0) throw new DOMException("The disk takes no more", "QuotaExceededError");
              at += written;
              end += written;
            }
            return Promise.resolve();
          } catch (error) {
            return Promise.reject(failure(error));
          }
        },
        flush() {
          access.flush();
          return Promise.resolve();
        },
        close() {
          access.close();
          return Promise.resolve();
        },
      };
    } catch (error) {
      throw failure(error);
    }
  },

  async open(path) {
    try {
      const [folder, name] = await placeOf(path, false);
      const file = await (await folder.getFileHandle(name)).getFile();
      return blobSource(file, name);
    } catch (error) {
      if (isMissing(error)) return null;
      throw storageFailure(say`${path} cannot be read`, error);
    }
  },

  async deleteFolder(path) {
    try {
      const [parent, name] = await placeOf(path, false);
      await parent.removeEntry(name, { recursive: true });
    } catch (error) {
      if (!isMissing(error)) throw storageFailure(say`${path} cannot be deleted`, error);
    }
  },

  async listFolders(path) {
    try {
      const names: string[] = [];
      for await (const [name, handle] of (await folderAt(path, false)).entries()) {
        if (handle.kind === "directory") names.push(name);
      }
      return names;
    } catch (error) {
      if (isMissing(error)) return [];
      throw storageFailure(say`${path} cannot be listed`, error);
    }
  },
};

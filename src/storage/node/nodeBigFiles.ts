/** @file Big files in a folder of the disk, with the same promises as the browser's. */

import { openAsBlob } from "node:fs";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { blobSource } from "../../core/byteSource";
import { say } from "../../core/say";
import type { BigFiles } from "../bigFiles";
import { storageFailure } from "../storageFailure";

export function newNodeBigFiles(root: string): BigFiles {
  return {
    async grow(name, restart = false) {
      const file = path.join(root, name);
      try {
        await mkdir(path.dirname(file), { recursive: true });
        const handle = await open(file, restart ? "w" : "a");
        return {
          size: (await handle.stat()).size,
          append: (bytes) => handle.appendFile(bytes),
          flush: () => handle.sync(),
          close: () => handle.close(),
        };
      } catch (error) {
        throw storageFailure(say`${file} cannot be written`, error);
      }
    },
    async open(name) {
      const file = path.join(root, name);
      try {
        return blobSource(await openAsBlob(file), path.basename(name));
      } catch (error) {
        if (
          (error as { code?: unknown }).code === "ENOENT" ||
          (error as { code?: unknown }).code === "ERR_INVALID_ARG_VALUE"
        )
          return null;
        throw storageFailure(say`${file} cannot be read`, error);
      }
    },
    deleteFolder: (name) => rm(path.join(root, name), { recursive: true, force: true }),
    async listFolders(name) {
      const entries = await readdir(path.join(root, name), { withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    },
  };
}

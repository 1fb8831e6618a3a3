/** @file Empties the studio's storage: records first, then the files that have lost theirs. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { type BigFiles, opfsBigFiles } from "./bigFiles";
import { write } from "./database";
import { type Files, opfs } from "./files";
import { sweepStorage } from "./sweepStorage";

/** @throws `run.locked` while a tab trains or imports; `storage.failed`. */
export async function deleteEverything(files: Files = opfs, bigFiles: BigFiles = opfsBigFiles): Promise<void> {
  const { locks } = (globalThis as { navigator?: { locks?: LockManager } }).navigator ?? {};
  const held = (await locks?.query())?.held ?? [];
  if (held.some(({ name }) => name?.startsWith("anneal-")))
    throw new StudioError("run.locked", say`A run or an import is under way, here or in another tab`);
  await write(["runs", "events", "checkpoints", "datasets", "rows", "tunings", "models"], async (tx) => {
    await Promise.all([
      tx.objectStore("runs").clear(),
      tx.objectStore("events").clear(),
      tx.objectStore("checkpoints").clear(),
      tx.objectStore("datasets").clear(),
      tx.objectStore("rows").clear(),
      tx.objectStore("tunings").clear(),
      tx.objectStore("models").clear(),
    ]);
  });
  await sweepStorage(files, bigFiles);
}

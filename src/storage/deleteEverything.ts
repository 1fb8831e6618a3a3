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
  const all = [
    "runs",
    "events",
    "checkpoints",
    "groups",
    "datasets",
    "rows",
    "tunings",
    "models",
    "adapters",
    "ablations",
  ] as const;
  await write([...all], async (tx) => {
    await Promise.all(all.map((name) => tx.objectStore(name).clear()));
  });
  await sweepStorage(files, bigFiles);
}

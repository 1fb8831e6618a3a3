/** @file What a crash leaves behind is put right at start: rows and files without a record, runs said to be running. */

import type { DatasetId, RunId } from "../core/ids";
import { sweepAdapters } from "./adapters";
import { type BigFiles, opfsBigFiles } from "./bigFiles";
import { checkpointFolder, runOfFile } from "./checkpointFiles";
import { read, write } from "./database";
import { allRows, importLock } from "./datasets";
import { exportsFolder } from "./exports";
import { type Files, opfs } from "./files";
import { lettingGo, runLock, takeLock } from "./locks";
import { sweepModels } from "./models";

type BareRun = { id: RunId; status: unknown; error?: unknown };

/** Does `work` where nobody holds the lock; what somebody holds is alive and left alone. */
async function whereFree(lock: string, patience: number, work: () => Promise<void>): Promise<void> {
  const release = await takeLock(lock, patience);
  if (!release) return;
  try {
    await work();
  } finally {
    release();
  }
}

async function sweepRows(): Promise<void> {
  const ids = await read(["rows"], async (tx) => {
    const found: DatasetId[] = [];
    let cursor = await tx.objectStore("rows").openKeyCursor();
    while (cursor) {
      const [id] = cursor.primaryKey;
      found.push(id);
      // one look at each data set, however many chunks it has
      cursor = await tx.objectStore("rows").openKeyCursor(IDBKeyRange.lowerBound([id, []]));
    }
    return found;
  });
  for (const id of ids) {
    await whereFree(importLock(id), 0, () =>
      write(["datasets", "rows"], async (tx) => {
        if ((await tx.objectStore("datasets").getKey(id)) === undefined) {
          await tx.objectStore("rows").delete(allRows(id));
        }
      }),
    );
  }
}

/** One that waits for its reward to be mended was let go of in good order. */
const wasRunning = ({ status, error = null }: BareRun) =>
  status === "running" || (status === "paused" && error === null);

/** Files of a run other than its newest checkpoint go; a run that nobody runs is interrupted. */
async function sweepRun(id: RunId, paths: string[], files: Files): Promise<void> {
  const newest = await write(["runs", "checkpoints"], async (tx) => {
    // the bare record: one that no longer parses must not keep the studio from starting
    const run = (await tx.objectStore("runs").get(id)) as BareRun | undefined;
    if (run && wasRunning(run)) await tx.objectStore("runs").put({ ...run, status: "interrupted" });
    return (await tx.objectStore("checkpoints").get(id))?.file;
  });
  for (const path of paths) {
    // one that a dying worker still has open is swept at the start after this
    if (path !== newest) await files.deleteFile(path).catch(() => undefined);
  }
}

async function sweepRuns(files: Files): Promise<void> {
  const left = new Map<RunId, string[]>();
  const records = (await read(["runs"], (tx) => tx.objectStore("runs").getAll())) as BareRun[];
  for (const run of records) if (wasRunning(run)) left.set(run.id, []);
  for (const path of await files.listFiles(checkpointFolder)) {
    const id = runOfFile(path);
    if (id) left.set(id, [...(left.get(id) ?? []), path]);
  }
  await Promise.all(
    [...left].map(([id, paths]) => whereFree(runLock(id), lettingGo, () => sweepRun(id, paths, files))),
  );
}

/**
 * Called when the worker starts. Touches nothing that another tab is writing; waits a moment (`lettingGo`) for the run of
 * a tab that was just reloaded.
 */
export async function sweepStorage(files: Files = opfs, bigFiles: BigFiles = opfsBigFiles): Promise<void> {
  await sweepRows();
  await sweepRuns(files);
  await sweepModels(bigFiles);
  await sweepAdapters(files);
  await bigFiles.deleteFolder(exportsFolder);
}

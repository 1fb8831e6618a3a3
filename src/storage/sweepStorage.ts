/** @file What a crash leaves behind is put right at start: rows and files without a record, runs said to be running. */

import type { DatasetId, RunId } from "../core/ids";
import { checkpointFolder, runOfFile } from "./browserRunStore";
import { read, write } from "./database";
import { allRows, importLock } from "./datasets";
import { type Files, opfs } from "./files";
import { runLock, takeLock } from "./locks";

/** Does `work` where nobody holds the lock; what somebody holds is alive and left alone. */
async function whereFree(lock: string, work: () => Promise<void>): Promise<void> {
  const release = await takeLock(lock);
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
    await whereFree(importLock(id), () =>
      write(["datasets", "rows"], async (tx) => {
        if ((await tx.objectStore("datasets").getKey(id)) === undefined) {
          await tx.objectStore("rows").delete(allRows(id));
        }
      }),
    );
  }
}

async function sweepFiles(files: Files): Promise<void> {
  const byRun = new Map<RunId, string[]>();
  for (const path of await files.listFiles(checkpointFolder)) {
    const run = runOfFile(path);
    if (run) byRun.set(run, [...(byRun.get(run) ?? []), path]);
  }
  for (const [run, paths] of byRun) {
    await whereFree(runLock(run), async () => {
      const record = await read(["checkpoints"], (tx) => tx.objectStore("checkpoints").get(run));
      for (const path of paths) if (path !== record?.file) await files.deleteFile(path);
    });
  }
}

/** Looks at the bare records: one that no longer parses must not keep the studio from starting. */
async function sweepRuns(): Promise<void> {
  const left = (status: unknown) => status === "running" || status === "paused";
  type Bare = { id: RunId; status: unknown };
  const records = (await read(["runs"], (tx) => tx.objectStore("runs").getAll())) as Bare[];
  for (const { id } of records.filter(({ status }) => left(status))) {
    await whereFree(runLock(id), () =>
      write(["runs"], async (tx) => {
        const run = (await tx.objectStore("runs").get(id)) as Bare | undefined;
        if (run && left(run.status)) await tx.objectStore("runs").put({ ...run, status: "interrupted" });
      }),
    );
  }
}

/** Called when the worker starts. Touches nothing that another tab is writing. */
export async function sweepStorage(files: Files = opfs): Promise<void> {
  await sweepRows();
  await sweepFiles(files);
  await sweepRuns();
}

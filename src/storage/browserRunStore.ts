/** @file The browser's run store: records in IndexedDB, checkpoints as OPFS files. */

import { StudioError } from "../core/errors";
import type { RunEvent } from "../core/metrics";
import type { Run } from "../core/run";
import { say } from "../core/say";
import { newCheckpointFile } from "./checkpointFiles";
import { read, type StoredCheckpoint, together, write } from "./database";
import { type Files, opfs } from "./files";
import { groupsAfter, storedGroups } from "./groups";
import type { RunStore } from "./runStore";
import { getRun, storedEvent } from "./runs";

function saveRecord(
  run: Run,
  events: RunEvent[],
  checkpoint?: StoredCheckpoint,
): Promise<StoredCheckpoint | undefined> {
  return write(["runs", "events", "checkpoints", "groups"], async (tx) => {
    const older = await tx.objectStore("checkpoints").get(run.id);
    const told = events.map((event) => storedEvent(run.id, event)).filter((event) => event !== null);
    const groups = events.map((event) => storedGroups(run.id, event)).filter((one) => one !== null);
    await together([
      () => tx.objectStore("runs").put(run),
      ...told.map((event) => () => tx.objectStore("events").put(event)),
      ...groups.map((one) => () => tx.objectStore("groups").put(one)),
      ...(checkpoint ? [() => tx.objectStore("checkpoints").put(checkpoint)] : []),
    ]);
    return older;
  });
}

/** Made in a worker, where files are written through a SyncAccessHandle. The caller holds the run (`holdRun`). */
export function newBrowserRunStore(files: Files = opfs): RunStore {
  return {
    async save(run, events) {
      await saveRecord(run, events);
    },

    async saveCheckpoint(run, events, bytes) {
      const file = newCheckpointFile(run.id, run.checkpoint);
      await files.writeFile(file, bytes);
      let older: StoredCheckpoint | undefined;
      try {
        older = await saveRecord(run, events, { run: run.id, step: run.checkpoint, file, bytes: bytes.length });
      } catch (error) {
        await files.deleteFile(file).catch(() => undefined); // what is left is swept at the next start
        throw error;
      }
      // the checkpoint is safe by now: an old file that will not go is swept at the next start
      if (older) await files.deleteFile(older.file).catch(() => undefined);
    },

    async readCheckpoint(run) {
      const record = await read(["checkpoints"], (tx) => tx.objectStore("checkpoints").get(run));
      if (!record) return null;
      const bytes = await files.readFile(record.file);
      if (bytes?.length !== record.bytes) {
        const found = bytes ? say`${bytes.length} of ${record.bytes} bytes` : say`gone`;
        throw new StudioError("storage.failed", say`The checkpoint of step ${record.step} is not whole: ${found}`);
      }
      return { step: record.step, bytes };
    },

    async truncate(run, step) {
      await write(["events", "groups"], (tx) =>
        together([
          () => tx.objectStore("events").delete(IDBKeyRange.bound([run, step, []], [run, []])),
          () => tx.objectStore("groups").delete(groupsAfter(run, step)),
        ]),
      );
    },

    getRun,
  };
}

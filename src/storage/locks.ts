/** @file One writer at a time: Web Locks where the host has them, a table within the process where it has not. */

import { StudioError } from "../core/errors";
import type { RunId } from "../core/ids";

const held = new Set<string>();

function takeInProcess(name: string): (() => void) | null {
  if (held.has(name)) return null;
  held.add(name);
  return () => {
    held.delete(name);
  };
}

/** Takes the lock and answers its release, or null where somebody holds it. The browser frees it when the tab dies. */
export function takeLock(name: string): Promise<(() => void) | null> {
  const { locks } = (globalThis as { navigator?: { locks?: LockManager } }).navigator ?? {};
  if (!locks) return Promise.resolve(takeInProcess(name));
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (!lock) {
          resolve(null);
          return undefined;
        }
        return new Promise<void>((release) => {
          resolve(release);
        });
      })
      .catch(reject);
  });
}

export const runLock = (id: RunId) => `anneal-run-${id}`;

/** Does `work` as the run's only writer. Throws `run.locked` where another tab or job has the run. */
export async function holdRun<T>(id: RunId, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(runLock(id));
  if (!release) throw new StudioError("run.locked");
  try {
    return await work();
  } finally {
    release();
  }
}

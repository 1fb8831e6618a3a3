/** @file One writer at a time: Web Locks where the host has them, a table within the process where it has not. */

import { StudioError } from "../core/errors";
import type { RunId } from "../core/ids";
import { say } from "../core/say";
import { storageFailure } from "./storageFailure";

const held = new Set<string>();

function takeInProcess(name: string): (() => void) | null {
  if (held.has(name)) return null;
  held.add(name);
  return () => {
    held.delete(name);
  };
}

/**
 * Takes the lock and answers its release, or null where somebody holds it for `patience` milliseconds more. The browser
 * frees it when the tab dies, but a busy machine takes a while for that.
 */
export function takeLock(name: string, patience = 0): Promise<(() => void) | null> {
  const { locks } = (globalThis as { navigator?: { locks?: LockManager } }).navigator ?? {};
  if (!locks) return Promise.resolve(takeInProcess(name));
  const options = patience > 0 ? { signal: AbortSignal.timeout(patience) } : { ifAvailable: true };
  return new Promise((resolve, reject) => {
    locks
      .request(name, options, (lock) => {
        if (!lock) {
          resolve(null);
          return undefined;
        }
        return new Promise<void>((release) => {
          resolve(release);
        });
      })
      .catch((error: unknown) => {
        if ((error as { name?: unknown }).name === "TimeoutError") resolve(null);
        else reject(storageFailure(say`The lock ${name} cannot be had`, error));
      });
  });
}

/** What a tab that was just closed or reloaded may take to let go of its run. */
export const lettingGo = 1500;

export const runLock = (id: RunId) => `anneal-run-${id}`;

/** Does `work` as the run's only writer. Throws `run.locked` where another tab or job has the run. */
export async function holdRun<T>(id: RunId, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(runLock(id), lettingGo);
  if (!release) throw new StudioError("run.locked");
  try {
    return await work();
  } finally {
    release();
  }
}

/** Whether anyone, in any tab, holds the lock. */
export async function isHeld(name: string): Promise<boolean> {
  const { locks } = (globalThis as { navigator?: { locks?: LockManager } }).navigator ?? {};
  if (!locks) return held.has(name);
  return (await locks.query()).held?.some((lock) => lock.name === name) ?? false;
}

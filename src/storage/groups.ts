/** @file What a run wrote and learnt from, kept a record a step: many, and read one step at a time. */

import type { RunId } from "../core/ids";
import type { GroupStep, RunEvent } from "../core/metrics";
import { read, type StoredGroups } from "./database";
import { packGroups, parseGroups } from "./packedGroups";

/** All steps of a run after `step`: an array sorts after every number. */
export const groupsAfter = (run: RunId, step = -1) => IDBKeyRange.bound([run, step], [run, []], true);

/** The groups among what a run tells, as they are stored. */
export function storedGroups(run: RunId, event: RunEvent): StoredGroups | null {
  return event.event === "groups" ? { run, step: event.groups.step, packed: packGroups(event.groups) } : null;
}

/** Steps whose groups are kept, ascending. */
export async function listGroupSteps(run: RunId): Promise<number[]> {
  const keys = await read(["groups"], (tx) => tx.objectStore("groups").getAllKeys(groupsAfter(run)));
  return keys.map(([, step]) => step);
}

/** The groups of a step; null where none are kept. Throws `storage.failed` where they cannot be read. */
export async function readGroups(run: RunId, step: number): Promise<GroupStep | null> {
  const stored = await read(["groups"], (tx) => tx.objectStore("groups").get([run, step]));
  return stored ? parseGroups(step, stored.packed) : null;
}

/**
 * The groups of every step, ascending; one step is in memory at a time, and a step stored meanwhile comes too. A step
 * that cannot be read throws `storage.failed`.
 */
export async function* eachGroups(run: RunId): AsyncGenerator<GroupStep, void, void> {
  for (let last = -1; ; ) {
    const range = groupsAfter(run, last);
    const [next] = await read(["groups"], (tx) => tx.objectStore("groups").getAll(range, 1));
    if (!next) return;
    last = next.step;
    yield parseGroups(next.step, next.packed);
  }
}

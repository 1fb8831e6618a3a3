/** @file The groups that runs of this tab have told lately: a run stores what it tells only every few seconds. */

import type { RunId } from "../core/ids";
import type { GroupStep } from "../core/metrics";

/** Steps kept of a run. */
const most = 16;
const told = new Map<RunId, readonly GroupStep[]>();

/** `groups` is null where what was told no longer counts: storage alone says what there is. */
type Listener = (run: RunId, groups: GroupStep | null) => void;
const listeners = new Set<Listener>();

/** For as long as the page is open. */
export function onGroups(listener: Listener): void {
  listeners.add(listener);
}

export const toldGroups = (run: RunId): readonly GroupStep[] => told.get(run) ?? [];

/** Takes in what a run tells. A step told again means that the run went back: later ones go. */
export function recordGroups(run: RunId, groups: GroupStep): void {
  const earlier = toldGroups(run).filter(({ step }) => step < groups.step);
  told.set(run, [...earlier, groups].slice(-most));
  for (const listener of listeners) listener(run, groups);
}

/** When a run has ended, goes back, or is another tab's. */
export function forgetGroups(run: RunId): void {
  told.delete(run);
  for (const listener of listeners) listener(run, null);
}

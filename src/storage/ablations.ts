/** @file Ablations on disk: a record each, which says which run belongs to which cell. The runs keep their own records. */

import { type Ablation, type AblationId, parseAblation } from "../core/ablation";
import { StudioError } from "../core/errors";
import { read, write } from "./database";
import { type Records, readEach } from "./readEach";

/** Held by the tab that works through an ablation's queue. */
export const ablationLock = (id: AblationId) => `anneal-${id}`;

/** Oldest first. */
export async function listAblations(): Promise<Records<Ablation>> {
  const records = await read(["ablations"], (tx) => tx.objectStore("ablations").index("createdAt").getAll());
  return readEach(records, parseAblation);
}

export async function saveAblation(ablation: Ablation): Promise<void> {
  await write(["ablations"], (tx) => tx.objectStore("ablations").put(ablation));
}

/**
 * Reads, changes and stores in one transaction, so that a change made elsewhere in between is not undone. Answers what
 * is stored. Throws `ablation.missing`, or what `change` throws, and then nothing is stored.
 */
export async function changeAblation(id: AblationId, change: (ablation: Ablation) => Ablation): Promise<Ablation> {
  return write(["ablations"], async (tx) => {
    const store = tx.objectStore("ablations");
    const record = await store.get(id);
    if (record === undefined) throw new StudioError("ablation.missing");
    const changed = change(parseAblation(record));
    await store.put(changed);
    return changed;
  });
}

/** Its runs stay. */
export async function deleteAblation(id: AblationId): Promise<void> {
  await write(["ablations"], (tx) => tx.objectStore("ablations").delete(id));
}

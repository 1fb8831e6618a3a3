/** @file Imported models on disk: a record each, and a folder with their files. */

import { StudioError } from "../core/errors";
import type { ModelId } from "../core/ids";
import { type ModelRecord, parseModelRecord } from "../core/modelRecord";
import { say } from "../core/say";
import { type BigFiles, opfsBigFiles } from "./bigFiles";
import { read, write } from "./database";
import { takeLock } from "./locks";
import { type Records, readEach } from "./readEach";

export const modelsFolder = "models";
const separator = ":";

/** A model's folder is named for its id, without the kind that ids begin with. */
export const modelFolder = (id: ModelId) => `${modelsFolder}/${id.slice(id.indexOf(separator) + 1)}`;
export const modelFilePath = (id: ModelId, name: string) => `${modelFolder(id)}/${name}`;
/** Held while its files are being written or deleted. */
export const modelLock = (id: ModelId) => `anneal-model-${id}`;

/** Oldest first. */
export async function listModelRecords(): Promise<Records<ModelRecord>> {
  const records = await read(["models"], (tx) => tx.objectStore("models").index("createdAt").getAll());
  return readEach(records, parseModelRecord);
}

/** Throws `model.missing`. */
export async function getModelRecord(id: ModelId): Promise<ModelRecord> {
  const record = await read(["models"], (tx) => tx.objectStore("models").get(id));
  if (record === undefined) throw new StudioError("model.missing");
  return parseModelRecord(record);
}

export async function saveModelRecord(record: ModelRecord): Promise<void> {
  await write(["models"], (tx) => tx.objectStore("models").put(record));
}

/** Does `work` as the only one that writes the model's files. Throws `model.busy` where somebody else does. */
export async function holdModel<T>(id: ModelId, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(modelLock(id));
  if (!release)
    throw new StudioError("model.busy", say`The model is being imported or deleted, here or in another tab`);
  try {
    return await work();
  } finally {
    release();
  }
}

/** The record first, so that no record is ever without its files; what a crash leaves of them is swept at start. */
export async function deleteModel(id: ModelId, files: BigFiles = opfsBigFiles): Promise<void> {
  await holdModel(id, async () => {
    await write(["models"], (tx) => tx.objectStore("models").delete(id));
    await files.deleteFolder(modelFolder(id));
  });
}

/** Deletes folders that no record names. Touches nothing that another tab is writing. */
export async function sweepModels(files: BigFiles = opfsBigFiles): Promise<void> {
  for (const folder of await files.listFolders(modelsFolder)) {
    const id: ModelId = `model:${folder}`;
    const release = await takeLock(modelLock(id));
    if (!release) continue;
    try {
      const known = await read(["models"], (tx) => tx.objectStore("models").getKey(id));
      if (known === undefined) await files.deleteFolder(modelFolder(id)).catch(() => undefined); // the next start tries again
    } finally {
      release();
    }
  }
}

/** @file The only file that names idb: the schema, one numbered step per version, and how a transaction is made. */

import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb";
import type { AblationId } from "../core/ablation";
import { StudioError } from "../core/errors";
import type { AdapterId, DatasetId, ModelId, RunId } from "../core/ids";
import { say } from "../core/say";
import { storageFailure } from "./storageFailure";

/** Rows `from` … `from + count − 1` of a data set, one JSON text a line. */
export type RowChunk = { dataset: DatasetId; from: number; count: number; text: string };
/** Something a run told at a step; `kind` tells apart what one step can tell. */
export type StoredEvent = { run: RunId; step: number; kind: string; value: unknown };
/** Which file holds a run's newest whole checkpoint. */
export type StoredCheckpoint = { run: RunId; step: number; file: string; bytes: number };
/** What a run wrote and learnt from at a step, as `packGroups` makes it. */
export type StoredGroups = { run: RunId; step: number; packed: unknown };
/** The fastest variant of each kernel's shape on a graphics adapter. */
export type StoredTuning = { adapter: string; variants: Record<string, string> };

interface Schema extends DBSchema {
  runs: { key: RunId; value: unknown; indexes: { createdAt: number } };
  events: { key: [RunId, number, string]; value: StoredEvent };
  checkpoints: { key: RunId; value: StoredCheckpoint };
  groups: { key: [RunId, number]; value: StoredGroups };
  datasets: { key: DatasetId; value: unknown; indexes: { createdAt: number } };
  rows: { key: [DatasetId, number]; value: RowChunk };
  tunings: { key: string; value: StoredTuning };
  models: { key: ModelId; value: unknown; indexes: { createdAt: number } };
  adapters: { key: AdapterId; value: unknown; indexes: { createdAt: number } };
  ablations: { key: AblationId; value: unknown; indexes: { createdAt: number } };
}
type Store = StoreNames<Schema>;
type Database = IDBPDatabase<Schema>;

const name = "anneal";
const version = 6;

function upgrade(db: Database, from: number) {
  // A step that has shipped is never edited: a change of the schema is a new step.
  if (from < 1) {
    db.createObjectStore("runs", { keyPath: "id" }).createIndex("createdAt", "createdAt");
    db.createObjectStore("events", { keyPath: ["run", "step", "kind"] });
    db.createObjectStore("checkpoints", { keyPath: "run" });
    db.createObjectStore("datasets", { keyPath: "id" }).createIndex("createdAt", "createdAt");
    db.createObjectStore("rows", { keyPath: ["dataset", "from"] });
  }
  if (from < 2) db.createObjectStore("tunings", { keyPath: "adapter" });
  if (from < 3) db.createObjectStore("models", { keyPath: "id" }).createIndex("createdAt", "createdAt");
  if (from < 4) db.createObjectStore("adapters", { keyPath: "id" }).createIndex("createdAt", "createdAt");
  if (from < 5) db.createObjectStore("ablations", { keyPath: "id" }).createIndex("createdAt", "createdAt");
  if (from < 6) db.createObjectStore("groups", { keyPath: ["run", "step"] });
}

let opened: Promise<Database> | undefined;

function open(): Promise<Database> {
  return new Promise((resolve, reject) => {
    let blocked = false;
    openDB<Schema>(name, version, {
      upgrade,
      blocked() {
        blocked = true;
        reject(new StudioError("storage.failed", say`Another tab has an older version of the studio open: close it`));
      },
      blocking(_current, _wanted, event) {
        opened = undefined;
        (event.target as IDBDatabase).close();
      },
      terminated() {
        opened = undefined;
      },
    }).then(
      (db) => {
        if (blocked) db.close();
        else resolve(db);
      },
      (error: unknown) => {
        reject(storageFailure(say`The studio's database cannot be opened`, error));
      },
    );
  });
}

/** The open database of this thread; opened again after the browser has closed it. */
function database(): Promise<Database> {
  if (!opened) {
    const opening = open();
    opening.catch(() => {
      if (opened === opening) opened = undefined;
    });
    opened = opening;
  }
  return opened;
}

/** A read-only transaction over `stores`. Throws `storage.failed`. */
export async function read<const S extends Store[], T>(
  stores: S,
  work: (tx: IDBPTransaction<Schema, S>) => Promise<T>,
): Promise<T> {
  try {
    return await work((await database()).transaction(stores, "readonly"));
  } catch (error) {
    throw storageFailure(say`Stored records cannot be read`, error);
  }
}

/**
 * All that `work` writes is on disk when this resolves, or none of it is.
 * @throws `storage.full` or `storage.failed`.
 */
export async function write<const S extends Store[], T>(
  stores: S,
  work: (tx: IDBPTransaction<Schema, S, "readwrite">) => Promise<T>,
): Promise<T> {
  let tx: IDBPTransaction<Schema, S, "readwrite"> | undefined;
  try {
    tx = (await database()).transaction(stores, "readwrite", { durability: "strict" });
    const [result] = await Promise.all([work(tx), tx.done]);
    return result;
  } catch (error) {
    try {
      tx?.abort(); // a throw in `work` must not leave its first half to commit
    } catch {
      // it has ended by itself, which is what the abort is for
    }
    throw storageFailure(say`Records cannot be stored`, error);
  }
}

/** Makes requests of a transaction and awaits them all; where one cannot even be made, the others' failures are heard too. */
export async function together(requests: (() => Promise<unknown>)[]): Promise<void> {
  await Promise.all(requests.map(async (request) => request()));
}

/** @file For tests: makes the n-th storage call fail, as a full disk, a broken one or a closing tab does. */

import { say } from "../core/say";
import type { Files } from "./files";
import { storageFailure } from "./storageFailure";

/** `refuse`: the call fails and does nothing. `late`: it does its work and then fails. `death`: nothing works any more. */
export type Failure = "refuse" | "late" | "death";

export type Faults = { calls: number; failAt: number; failure: Failure; error: string };

/** Whether this call is the one that fails; counts it. */
function strikes(faults: Faults): boolean {
  faults.calls++;
  return faults.calls === faults.failAt || (faults.failure === "death" && faults.calls > faults.failAt);
}

export function failingFiles(files: Files, faults: Faults): Files {
  const failure = () => storageFailure(say`A file`, new DOMException("no", faults.error));
  const guard = <A extends unknown[], T>(work: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      const fail = strikes(faults);
      if (fail && faults.failure !== "late") throw failure();
      const result = await work(...args);
      if (fail) throw failure();
      return result;
    };
  };
  return {
    writeFile: guard(files.writeFile),
    readFile: files.readFile,
    deleteFile: guard(files.deleteFile),
    listFiles: files.listFiles,
  };
}

/** Puts and deletes of every object store fail as `faults` says, until the returned function is called. */
export function failObjectStores(faults: Faults): () => void {
  type Call = (this: IDBObjectStore, ...args: unknown[]) => IDBRequest;
  const methods = IDBObjectStore.prototype as unknown as { put: Call; delete: Call };
  const guard = (work: Call): Call => {
    return function (this: IDBObjectStore, ...args) {
      if (!strikes(faults)) return work.apply(this, args);
      if (faults.failure !== "late") throw new DOMException("no", faults.error);
      const request = work.apply(this, args);
      this.transaction.abort();
      return request;
    };
  };
  const { put, delete: remove } = methods;
  Object.assign(methods, { put: guard(put), delete: guard(remove) });
  return () => {
    Object.assign(methods, { put, delete: remove });
  };
}

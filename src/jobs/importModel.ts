/** @file A model comes in: its files copied to the studio's storage a part at a time, hashed, and resumable. */

import { createSHA256 } from "hash-wasm";
import type { ByteSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import type { ModelRecord } from "../core/modelRecord";
import { say } from "../core/say";
import type { BigFiles } from "../storage/bigFiles";
import { holdModel, modelFilePath, saveModelRecord } from "../storage/models";

/** Bytes copied at a time, and after how many what is here is made to last. */
const [pieceBytes, flushBytes] = [4 * 2 ** 20, 64 * 2 ** 20];

export type ImportProgress = { file: string; done: number; total: number };

export type ImportInputs = {
  /** The record with every file's name and size; files whose hash is known must have it in the end. */
  record: ModelRecord;
  files: BigFiles;
  /** The file's bytes from where they come. Throws what keeps them away. */
  source: (name: string) => Promise<ByteSource>;
  /** What the files are is looked at before the large ones are copied; throws where they are no model. */
  check: () => Promise<void>;
  signal: AbortSignal;
  onProgress: (progress: ImportProgress) => void;
};

/** A name that is one file of a folder, whatever the host. */
export function isFileName(name: string): boolean {
  return /^[\w][\w.+\- ]{0,199}$/.test(name);
}

/**
 * Copies what is not here yet and answers the record, `ready`. Stopped or failed it keeps what it has: called again with
 * the record it goes on. What was here must be the beginning of the file, or the file is fetched anew.
 * @throws `model.busy`, `storage.full`, `storage.failed`, `model.download` where a hash differs, the signal's reason.
 */
export async function importModel(inputs: ImportInputs): Promise<ModelRecord> {
  const { record, check, signal, onProgress } = inputs;
  return holdModel(record.id, async () => {
    await saveModelRecord(record);
    await check();
    const total = record.files.reduce((sum, { bytes }) => sum + bytes, 0);
    let before = 0;
    const whole: ModelRecord["files"] = [];
    for (const file of record.files) {
      signal.throwIfAborted();
      const start = before;
      const hash = await copyFile(inputs, file, (done) => {
        onProgress({ file: file.name, done: start + done, total });
      });
      whole.push({ ...file, hash });
      before += file.bytes;
    }
    const ready: ModelRecord = { ...record, status: "ready", files: whole };
    await saveModelRecord(ready);
    return ready;
  });
}

/** Answers the file's hash. */
async function copyFile(
  { record, files, source, signal }: ImportInputs,
  file: ModelRecord["files"][number],
  onDone: (bytes: number) => void,
): Promise<string> {
  const path = modelFilePath(record.id, file.name);
  for (let attempt = 0; ; attempt++) {
    const hash = await createSHA256();
    const had = attempt === 0 ? await hashPart(files, path, file.bytes, hash, signal) : 0;
    const from = await source(file.name);
    if (from.size !== file.bytes) {
      throw new StudioError("model.download", say`${file.name} has ${from.size} bytes, ${file.bytes} were announced`);
    }
    const fits = await continues(files, path, had, from);
    if (!fits) hash.init();
    await append(files, path, fits ? had : 0, from, { take: (bytes) => void hash.update(bytes), signal, onDone });
    const found = hash.digest();
    if (file.hash === null || file.hash === found) return found;
    // what was here of it may be of another file: once more, from the beginning
    if (attempt > 0 || had === 0) {
      await (await files.grow(path, true)).close();
      throw new StudioError("model.download", say`${file.name} arrived with another hash than its repository names`);
    }
  }
}

type Hash = Awaited<ReturnType<typeof createSHA256>>;

/** Feeds what is here of a file to the hash; answers how many bytes that are, none where there are too many. */
async function hashPart(files: BigFiles, path: string, most: number, hash: Hash, signal: AbortSignal): Promise<number> {
  const part = await files.open(path);
  if (!part || part.size > most) return 0;
  for (let at = 0; at < part.size; at += pieceBytes) {
    signal.throwIfAborted();
    hash.update(await part.read(at, Math.min(pieceBytes, part.size - at)));
  }
  return part.size;
}

/** Whether the last bytes that are here are those that the source has at their place. */
async function continues(files: BigFiles, path: string, had: number, from: ByteSource): Promise<boolean> {
  const part = had > 0 ? await files.open(path) : null;
  if (!part) return false;
  const length = Math.min(had, 4096);
  const [mine, theirs] = await Promise.all([part.read(had - length, length), from.read(had - length, length)]);
  return mine.every((byte, i) => byte === theirs[i]);
}

async function append(
  files: BigFiles,
  path: string,
  at: number,
  from: ByteSource,
  { take, signal, onDone }: { take: (bytes: Uint8Array) => void; signal: AbortSignal; onDone: (bytes: number) => void },
): Promise<void> {
  const to = await files.grow(path, at === 0);
  try {
    let flushed = at;
    const readAt = (start: number) => {
      const reading = from.read(start, Math.min(pieceBytes, from.size - start));
      reading.catch(() => undefined); // whoever waits for it is told
      return reading;
    };
    let ahead = readAt(at); // the next piece comes while this one is hashed and written
    for (let done = at; done < from.size; ) {
      signal.throwIfAborted();
      const bytes = await ahead;
      if (done + bytes.length < from.size) ahead = readAt(done + bytes.length);
      take(bytes);
      await to.append(bytes);
      done += bytes.length;
      if (done - flushed >= flushBytes) {
        await to.flush();
        flushed = done;
      }
      onDone(done);
    }
    await to.flush();
  } finally {
    await to.close();
  }
}

/** Reads every file again. Answers the names of those that are not as they were imported. */
export async function verifyModel(
  record: ModelRecord,
  files: BigFiles,
  signal: AbortSignal,
  onProgress: (progress: ImportProgress) => void,
): Promise<string[]> {
  const total = record.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const wrong: string[] = [];
  let done = 0;
  for (const { name, bytes, hash: expected } of record.files) {
    const hash = await createSHA256();
    const had = await hashPart(files, modelFilePath(record.id, name), bytes, hash, signal);
    if (had !== bytes || hash.digest() !== expected) wrong.push(name);
    done += bytes;
    onProgress({ file: name, done, total });
  }
  return wrong;
}

/** The bytes of each file that are here. */
export async function storedBytes({ id, files: all }: ModelRecord, files: BigFiles): Promise<number> {
  let sum = 0;
  for (const { name } of all) sum += (await files.open(modelFilePath(id, name)))?.size ?? 0;
  return sum;
}

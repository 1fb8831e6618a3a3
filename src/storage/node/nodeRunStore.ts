/** @file Node's run store: a run is a folder with run.json, metrics.jsonl, samples.jsonl, groups.jsonl and its newest checkpoint. */

import { mkdir, open, rm } from "node:fs/promises";
import path from "node:path";
import { StudioError } from "../../core/errors";
import type { RunEvent } from "../../core/metrics";
import { parseRun, type Run } from "../../core/run";
import { say } from "../../core/say";
import { groupLines } from "../packedGroups";
import type { RunStore } from "../runStore";
import { storageFailure } from "../storageFailure";
import { namesIn, readWhole, replaceFile } from "./nodeFiles";

/** run.json, replaced as a whole, is what counts: bytes of the logs beyond those it names were never acknowledged. */
type Stored = {
  version: 1;
  run: Run;
  metrics: number; // bytes of metrics.jsonl that stand
  samples: number; // bytes of samples.jsonl that stand
  groups?: number; // bytes of groups.jsonl that stand; folders of before groups were told have none
  checkpoint: { step: number; file: string; bytes: number } | null;
};

/** Never the file that run.json names: until it is replaced, that one must stay as it is. */
function newCheckpointName(step: number, old: Stored | null): string {
  const name = `checkpoint-${step}.bin`;
  return old?.checkpoint?.file === name ? `checkpoint-${step}-again.bin` : name;
}

async function load(dir: string): Promise<Stored | null> {
  const bytes = await readWhole(path.join(dir, "run.json"));
  if (!bytes) return null;
  try {
    const stored = JSON.parse(new TextDecoder().decode(bytes)) as Stored;
    return { ...stored, run: parseRun(stored.run) };
  } catch (error) {
    if (error instanceof StudioError) throw error;
    throw new StudioError("storage.failed", say`${path.join(dir, "run.json")} is unreadable`, { cause: error });
  }
}

/** The run a folder holds, or null where it holds none. Throws `storage.failed`. */
export async function readRunFolder(dir: string): Promise<Run | null> {
  return (await load(dir))?.run ?? null;
}

/** Lines for metrics.jsonl, samples.jsonl and groups.jsonl. */
function linesOf(events: RunEvent[]): { metrics: string; samples: string; groups: string } {
  const line = (record: object) => `${JSON.stringify(record)}\n`;
  let metrics = "";
  let samples = "";
  let groups = "";
  for (const event of events) {
    if (event.event === "step" || event.event === "eval") metrics += line({ event: event.event, ...event.metrics });
    else if (event.event === "alert") metrics += line({ event: "alert", ...event.alert });
    else if (event.event === "routing") metrics += line({ event: "routing", ...event.routing });
    else if (event.event === "checkpoint") metrics += line({ event: "checkpoint", ...event.checkpoint });
    else if (event.event === "change") metrics += line({ event: "change", ...event.change });
    else if (event.event === "samples") samples += event.samples.map(line).join("");
    else if (event.event === "groups") groups += groupLines(event.groups);
  }
  return { metrics, samples, groups };
}

/** Puts `text` at byte `at`, where what stands ends, and answers where it ends now. */
async function appendAt(file: string, at: number, text: string): Promise<number> {
  try {
    const handle = await open(file, "a+");
    try {
      if ((await handle.stat()).size > at) await handle.truncate(at);
      await handle.appendFile(text);
      await handle.sync();
      return (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageFailure(say`${file} cannot be written`, error);
  }
}

/** Leaves out the lines after `step`. Line by line, as a whole log may be more than one string can hold. */
async function keepUntil(file: string, size: number, step: number): Promise<number> {
  const bytes = await readWhole(file);
  if (!bytes) return 0;
  const whole = Buffer.from(bytes.buffer, 0, Math.min(size, bytes.length));
  const kept: Buffer[] = [];
  for (let start = 0, number = 1; ; number++) {
    const end = whole.indexOf(10, start) + 1; // behind the line break
    if (end === 0) break;
    const line = whole.subarray(start, end);
    if (stepOf(line, file, number) <= step) kept.push(line);
    start = end;
  }
  const left = Buffer.concat(kept);
  await replaceFile(file, left);
  return left.length;
}

function stepOf(line: Buffer, file: string, number: number): number {
  try {
    return (JSON.parse(line.toString()) as { step: number }).step;
  } catch (error) {
    throw new StudioError("storage.failed", say`${file} is unreadable at line ${number}`, { cause: error });
  }
}

/** One folder, one run: saving a run of another id starts the folder afresh. */
export function newNodeRunStore(dir: string): RunStore {
  const at = (name: string) => path.join(dir, name);
  let stored: Stored | null | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const current = async () => (stored ??= await load(dir));
  const commit = async (next: Stored) => {
    await replaceFile(at("run.json"), `${JSON.stringify(next, null, 2)}\n`);
    stored = next;
  };
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return turn;
  };

  const save = async (run: Run, events: RunEvent[], checkpoint?: Stored["checkpoint"]) => {
    const found = await current();
    const old = found?.run.id === run.id ? found : null;
    if (found && !old) await rm(at("groups.jsonl"), { force: true });
    const { metrics, samples, groups } = linesOf(events);
    const standing = old?.groups ?? 0;
    await commit({
      version: 1,
      run,
      metrics: await appendAt(at("metrics.jsonl"), old?.metrics ?? 0, metrics),
      samples: await appendAt(at("samples.jsonl"), old?.samples ?? 0, samples),
      // only runs that write have the file
      groups: standing > 0 || groups !== "" ? await appendAt(at("groups.jsonl"), standing, groups) : 0,
      checkpoint: checkpoint ?? old?.checkpoint ?? null,
    });
  };

  /** Only the checkpoint that run.json names stays. */
  const sweep = async () => {
    for (const name of await namesIn(dir)) {
      const ours = /^checkpoint-\d+(-again)?\.bin(\.part)?$/.test(name);
      if (ours && name !== stored?.checkpoint?.file) await rm(at(name), { force: true });
    }
  };

  return {
    save: (run, events) =>
      inTurn(async () => {
        await mkdir(dir, { recursive: true });
        await save(run, events);
      }),

    saveCheckpoint: (run, events, bytes) =>
      inTurn(async () => {
        await mkdir(dir, { recursive: true });
        const file = newCheckpointName(run.checkpoint, await current());
        await replaceFile(at(file), bytes);
        await save(run, events, { step: run.checkpoint, file, bytes: bytes.length });
        await sweep();
      }),

    readCheckpoint: (id) =>
      inTurn(async () => {
        const found = await current();
        if (found?.run.id !== id || !found.checkpoint) return null;
        const { step, file, bytes: size } = found.checkpoint;
        const bytes = await readWhole(at(file));
        if (bytes?.length !== size) {
          const state = bytes ? say`${bytes.length} of ${size} bytes` : say`gone`;
          throw new StudioError("storage.failed", say`The checkpoint of step ${step} is not whole: ${state}`);
        }
        return { step, bytes };
      }),

    truncate: (id, step) =>
      inTurn(async () => {
        const found = await current();
        if (found?.run.id !== id) return;
        // cut short between the two, run.json names more bytes than a log has: the log's end then counts
        const metrics = await keepUntil(at("metrics.jsonl"), found.metrics, step);
        const samples = await keepUntil(at("samples.jsonl"), found.samples, step);
        const groups = found.groups ? await keepUntil(at("groups.jsonl"), found.groups, step) : 0;
        await commit({ ...found, metrics, samples, groups });
      }),

    getRun: (id) =>
      inTurn(async () => {
        const found = await current();
        if (found?.run.id !== id) throw new StudioError("run.missing", say`${dir} holds no run ${id}`);
        return found.run;
      }),
  };
}

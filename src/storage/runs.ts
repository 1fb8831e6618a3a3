/** @file Runs on disk: the record, and the history of what the run told. */

import { StudioError } from "../core/errors";
import type { RunId } from "../core/ids";
import type {
  Alert,
  CheckpointNote,
  EvalMetrics,
  Routing,
  RunEvent,
  RunHistory,
  Sample,
  StepMetrics,
} from "../core/metrics";
import { parseRun, type Run } from "../core/run";
import { checkpointFolder, runOfFile } from "./checkpointFiles";
import { read, type StoredEvent, together, write } from "./database";
import { type Files, opfs } from "./files";
import { groupsAfter } from "./groups";
import { holdRun } from "./locks";
import { type Records, readEach } from "./readEach";

/** Every event of a run: an array sorts after every number. */
const allEvents = (id: RunId) => IDBKeyRange.bound([id], [id, []]);

/** All runs, oldest first. */
export async function listRuns(): Promise<Records<Run>> {
  const records = await read(["runs"], (tx) => tx.objectStore("runs").index("createdAt").getAll());
  return readEach(records, parseRun);
}

/** Throws `run.missing`. */
export async function getRun(id: RunId): Promise<Run> {
  const record = await read(["runs"], (tx) => tx.objectStore("runs").get(id));
  if (record === undefined) throw new StudioError("run.missing");
  return parseRun(record);
}

export async function saveRun(run: Run): Promise<void> {
  await write(["runs"], (tx) => tx.objectStore("runs").put(run));
}

/** Deletes the run, its history, its groups and its files. Throws `run.locked` while it trains. */
export async function deleteRun(id: RunId, files: Files = opfs): Promise<void> {
  await holdRun(id, async () => {
    await write(["runs", "events", "checkpoints", "groups"], (tx) =>
      together([
        () => tx.objectStore("runs").delete(id),
        () => tx.objectStore("events").delete(allEvents(id)),
        () => tx.objectStore("checkpoints").delete(id),
        () => tx.objectStore("groups").delete(groupsAfter(id)),
      ]),
    );
    for (const path of await files.listFiles(checkpointFolder))
      if (runOfFile(path) === id) await files.deleteFile(path);
  });
}

/** An event as it is stored, or null for those that tell only of the moment. */
export function storedEvent(run: RunId, event: RunEvent): StoredEvent | null {
  switch (event.event) {
    case "step":
    case "eval":
      return { run, step: event.metrics.step, kind: event.event, value: event.metrics };
    case "samples": {
      const [first] = event.samples;
      return first ? { run, step: first.step, kind: "samples", value: event.samples } : null;
    }
    case "alert":
      return { run, step: event.alert.step, kind: `alert.${event.alert.kind}`, value: event.alert };
    case "routing":
      return { run, step: event.routing.step, kind: "routing", value: event.routing };
    case "checkpoint":
      return { run, step: event.checkpoint.step, kind: "checkpoint", value: event.checkpoint };
    case "change": // in the record
    case "groups": // kept apart (groups.ts): they are many, and asked for one step at a time
    case "progress":
    case "status":
      return null;
  }
}

/** All a run has told, each list by step. Empty for a run that has told nothing. */
export async function readHistory(id: RunId): Promise<RunHistory> {
  const stored = await read(["events"], (tx) => tx.objectStore("events").getAll(allEvents(id)));
  const history: RunHistory = { steps: [], evals: [], samples: [], alerts: [], routings: [], checkpoints: [] };
  for (const { kind, value } of stored) {
    if (kind === "step") history.steps.push(value as StepMetrics);
    else if (kind === "eval") history.evals.push(value as EvalMetrics);
    else if (kind === "samples") history.samples.push(...(value as Sample[]));
    else if (kind === "routing") history.routings.push(value as Routing);
    else if (kind === "checkpoint") history.checkpoints.push(value as CheckpointNote);
    else if (kind.startsWith("alert.")) history.alerts.push(value as Alert);
  }
  return history;
}

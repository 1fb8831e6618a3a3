/** @file The library of adapters: those brought in from files or added up, beside the runs that have a checkpoint. */

import { create } from "zustand";
import { type Adaptation, loraScale, methodOf } from "../core/adaptation";
import type { AdapterRecord, TrainedId } from "../core/adapterRecord";
import { blobSource } from "../core/byteSource";
import type { AdapterId } from "../core/ids";
import type { Recipe } from "../core/recipe";
import type { Run } from "../core/run";
import { readGgufHeader } from "../formats/ggufHeader";
import { listAdapters } from "../storage/adapters";
import { openEngine } from "./engine";
import { keepStorage } from "./usage";

type State =
  | { status: "loading" }
  | { status: "failed"; error: unknown }
  /** Newest first; `unreadable` are of a form that this version does not know. */
  | { status: "ready"; adapters: readonly AdapterRecord[]; unreadable: number };

export const useAdapters = create<State>(() => ({ status: "loading" }));

export async function loadAdapters(): Promise<void> {
  try {
    const { readable, unreadable } = await listAdapters();
    useAdapters.setState({ status: "ready", adapters: readable.reverse(), unreadable }, true);
  } catch (error) {
    useAdapters.setState({ status: "failed", error }, true);
  }
}

/** What was trained, wherever it lies. */
export type Trained = {
  id: TrainedId;
  name: string;
  /** The base, as recipes name it. */
  model: string;
  adaptation: Adaptation;
  /** What stands around a prompt. */
  template: Recipe["template"];
  /** The run, or the library's record. */
  from: { kind: "run"; run: Run } | { kind: "library"; record: AdapterRecord };
};

/** All that can be asked, exported or added up: runs with a checkpoint, then the library. */
export function listTrained(runs: readonly Run[], adapters: readonly AdapterRecord[]): Trained[] {
  return [
    ...runs.filter(({ checkpoint }) => checkpoint > 0).map(trainedOfRun),
    ...adapters.map(
      (record): Trained => ({
        id: record.id,
        name: record.name,
        model: record.model,
        adaptation: record.adaptation,
        template: record.template,
        from: { kind: "library", record },
      }),
    ),
  ];
}

export const trainedOfRun = (run: Run): Trained => ({
  id: run.id,
  name: run.name,
  model: run.recipe.model,
  adaptation: run.recipe.adaptation,
  template: run.recipe.template,
  from: { kind: "run", run },
});

/** Only LoRA without DoRA's lengths adds up. */
export function canAddUp(adaptation: Adaptation): boolean {
  return adaptation.length === 1 && methodOf(adaptation, "lora")?.dora === false;
}

export { mostRank } from "../formats/addAdapters";

/** The rank that a sum will have: by matrix the ranks add up, and the largest counts. */
export function rankOfSum(adaptations: readonly Adaptation[]): number {
  const ranks = new Map<string, number>();
  for (const adaptation of adaptations) {
    const lora = methodOf(adaptation, "lora");
    for (const name of lora?.targetModules ?? []) {
      if (lora) ranks.set(name, (ranks.get(name) ?? 0) + loraScale(lora, name).rank);
    }
  }
  return Math.max(0, ...ranks.values());
}

/** What is being brought in: one at a time. */
export type AdapterTask =
  | { status: "idle" }
  /** Dropped where no base was: the person says which. */
  | { status: "asking"; files: readonly File[]; name: string }
  | { status: "working" | "done"; model: string; name: string }
  | { status: "failed"; model: string; name: string; error: unknown };

export const useAdapterTask = create<AdapterTask>(() => ({ status: "idle" }));

/** Leaves the question, or a failure that has been read. */
export function dismissAdapterTask() {
  useAdapterTask.setState({ status: "idle" }, true);
}

/** `mine.zip` → `mine`; a folder's files → the folder. */
function nameOf(files: readonly File[]): string {
  const [first] = files;
  const folder = first?.webkitRelativePath.split("/").at(-2);
  return folder ?? (files.length > 1 ? "adapter" : (first?.name.replace(/\.\w+$/, "") ?? "adapter"));
}

/** Files that were dropped: taken at once where the base is known, else asked about. */
export function offerAdapter(files: readonly File[], model: string | null, folder?: string) {
  const name = folder ?? nameOf(files);
  if (model !== null) void importAdapter(files, model, name);
  else useAdapterTask.setState({ status: "asking", files, name }, true);
}

/** Answers null where it failed; the task's state tells. */
export async function importAdapter(
  files: readonly File[],
  model: string,
  name: string = nameOf(files),
): Promise<AdapterRecord | null> {
  useAdapterTask.setState({ status: "working", model, name }, true);
  try {
    const record = await (await openEngine()).call("adapter.import", { files: [...files], name, model });
    useAdapterTask.setState({ status: "done", model, name }, true);
    void keepStorage();
    return record;
  } catch (error) {
    useAdapterTask.setState({ status: "failed", model, name, error }, true);
    return null;
  } finally {
    await loadAdapters();
  }
}

/** Several LoRAs of one base as one. Throws `adapter.invalid` where they do not add up. */
export async function addAdapters(
  parts: readonly { id: TrainedId; weight: number }[],
  name: string,
): Promise<AdapterRecord> {
  const record = await (await openEngine()).call("adapter.add", { parts: [...parts], name });
  void keepStorage();
  await loadAdapters();
  return record;
}

/** Throws `adapter.missing` or `storage.failed`. */
export async function renameAdapter(adapter: AdapterId, name: string): Promise<void> {
  await (await openEngine()).call("adapter.rename", { adapter, name });
  await loadAdapters();
}

/** Throws `storage.failed`. */
export async function deleteAdapter(adapter: AdapterId): Promise<void> {
  await (await openEngine()).call("adapter.delete", { adapter });
  await loadAdapters();
}

/** Whether dropped files are an adapter and not a model: by their names, and a GGUF file by its header. */
export async function isAdapterDrop(files: readonly File[]): Promise<boolean> {
  if (files.some(({ name }) => /^(adapter_config|anneal_adapter|loar)\.json$|\.zip$/i.test(name))) return true;
  const gguf = files.find(({ name }) => name.toLowerCase().endsWith(".gguf"));
  if (!gguf) return false;
  try {
    return (await readGgufHeader(blobSource(gguf, gguf.name))).metadata.get("general.type") === "adapter";
  } catch {
    return false; // the import of models says what is wrong with it
  }
}

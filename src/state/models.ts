/** @file The models the page shows, as the engine lists them, and the import of another. */

import { create } from "zustand";
import { toWire } from "../core/errors";
import { parseHost, parseRepository } from "../core/hubAddress";
import { embeddedModel, type ModelId } from "../core/ids";
import { recipeForModel } from "../core/modelRecipe";
import type { Model } from "../core/modelRecord";
import { type Engine, openEngine } from "./engine";
import { changeRecipe } from "./studio";
import { keepStorage } from "./usage";

type State =
  | { status: "loading" }
  | { status: "failed"; error: unknown }
  | { status: "ready"; models: readonly Model[] };

export const useModels = create<State>(() => ({ status: "loading" }));

export async function loadModels(): Promise<void> {
  try {
    const models = await (await openEngine()).call("model.list", undefined);
    useModels.setState({ status: "ready", models }, true);
  } catch (error) {
    useModels.setState({ status: "failed", error }, true);
  }
}

/** A recipe names the embedded model `embedded`, any other by its id. */
export const modelName = (id: Model["id"]): string => (id === embeddedModel ? "embedded" : id);

export const modelOf = (name: string, models: readonly Model[]): Model | undefined =>
  models.find(({ id }) => modelName(id) === name);

/** Takes the model for the recipe being written. */
export function chooseModel({ id, facts }: Model) {
  if (facts) changeRecipe((draft) => recipeForModel(draft, modelName(id), facts));
}

export type ModelTask =
  | { status: "idle" }
  | { status: "working"; what: "import" | "verify"; name: string; file: string; done: number; total: number }
  | { status: "failed"; name: string; error: unknown };

/** What is being brought in or read again: one at a time. */
export const useModelTask = create<ModelTask>(() => ({ status: "idle" }));

let underWay = new AbortController();

/** Stops the import; what has come is kept, and it can go on. */
export function stopModelTask() {
  underWay.abort();
}

export function dismissModelTask() {
  useModelTask.setState({ status: "idle" }, true);
}

/** Answers null where it was stopped or failed; the state tells. */
async function perform<T>(
  what: "import" | "verify",
  name: string,
  work: (engine: Engine, progress: string, signal: AbortSignal) => Promise<T>,
): Promise<T | null> {
  underWay.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  const progress = crypto.randomUUID();
  const tell = (file: string, done: number, total: number) =>
    useModelTask.setState({ status: "working", what, name, file, done, total }, true);
  tell("", 0, 0);
  try {
    const engine = await openEngine();
    const stop = engine.on("model.progress", (at) => {
      if (at.progress === progress && !signal.aborted) tell(at.file, at.done, at.total);
    });
    const result = await work(engine, progress, signal).finally(stop);
    useModelTask.setState({ status: "idle" }, true);
    return result;
  } catch (error) {
    const stopped = signal.aborted || toWire(error).code === "task.aborted";
    useModelTask.setState(stopped ? { status: "idle" } : { status: "failed", name, error }, true);
    return null;
  } finally {
    await loadModels();
  }
}

/** `smollm2-135m.q4_1.gguf` → `smollm2-135m.q4_1`; a folder's files → the folder. */
function nameOf(files: readonly File[]): string {
  const gguf = files.find(({ name }) => name.toLowerCase().endsWith(".gguf"));
  if (gguf) return gguf.name.replace(/\.gguf$/i, "");
  const [first] = files;
  const folder = first?.webkitRelativePath.split("/").at(-2);
  return folder ?? first?.name.replace(/\.\w+$/, "") ?? "model";
}

export async function importModel(files: File[], folder?: string): Promise<Model | null> {
  const name = folder ?? nameOf(files);
  const model = await perform("import", name, (engine, progress, signal) =>
    engine.call("model.import", { files, name, progress }, signal),
  );
  if (model) void keepStorage();
  return model;
}

/** `text` is `owner/name`, or one GGUF file of it, also as an address. What is wrong with it is in the task's state. */
export async function downloadModel(text: string, host: string, revision: string): Promise<Model | null> {
  const model = await perform("import", text.trim(), async (engine, progress, signal) => {
    const wish = { ...parseRepository(text), host: parseHost(host), revision };
    return engine.call("model.download", { ...wish, progress }, signal);
  });
  if (model) void keepStorage();
  return model;
}

export async function resumeModel({ id, name }: Model, files: File[]): Promise<Model | null> {
  return perform("import", name, (engine, progress, signal) =>
    engine.call("model.resume", { model: id, files, progress }, signal),
  );
}

/** Names of the files that are no longer as they came; null where it was stopped. */
export async function verifyModel({ id, name }: Model): Promise<string[] | null> {
  return perform("verify", name, (engine, progress, signal) =>
    engine.call("model.verify", { model: id, progress }, signal),
  );
}

/** Throws `model.busy` while it is being written. */
export async function renameModel(id: ModelId, name: string): Promise<void> {
  await (await openEngine()).call("model.rename", { model: id, name });
  await loadModels();
}

/** Throws `model.busy` while it is written or trained on. */
export async function deleteModel(id: ModelId): Promise<void> {
  await (await openEngine()).call("model.delete", { model: id });
  await loadModels();
}

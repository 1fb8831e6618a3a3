/** @file The models the page shows, as the engine lists them. */

import { create } from "zustand";
import { embeddedModel } from "../core/ids";
import type { Model } from "../core/modelRecord";
import { openEngine } from "./engine";

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

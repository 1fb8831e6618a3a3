/** @file A run's adapter as PEFT lays it out, from its last checkpoint. */

import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import type { Run } from "../core/run";
import { say } from "../core/say";
import { newModelCard } from "../formats/modelCard";
import { isPeftMethod, newPeftFiles } from "../formats/peft";
import type { NamedFile } from "../formats/zip";
import type { RunStore } from "../storage/runStore";
import { parseCheckpoint } from "./checkpoint";

/** What the base is called in an adapter's files. */
const baseNameOf = (model: string) => (model === "embedded" ? "anneal-base" : model);

/** adapter_config.json, adapter_model.safetensors, README.md. Throws `adapter.invalid` where there is no checkpoint yet. */
export async function exportAdapter(run: Run, store: RunStore, config: ModelConfig): Promise<NamedFile[]> {
  const checkpoint = await store.readCheckpoint(run.id);
  if (!checkpoint) throw new StudioError("adapter.invalid", say`The run has no checkpoint yet`);
  const { recipe, before, after } = run;
  const baseName = baseNameOf(recipe.model);
  const [method, ...others] = recipe.adaptation;
  if (!method || others.length > 0 || !isPeftMethod(method)) {
    throw new StudioError("adapter.invalid", say`PEFT has no form for what was trained`);
  }
  return newPeftFiles({
    config,
    method,
    tensors: parseCheckpoint(checkpoint.bytes).adapter,
    baseName,
    card: newModelCard({ recipe, baseName, before, after }),
  });
}

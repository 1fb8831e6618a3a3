/** @file A run's adapter as a folder, from its last checkpoint. */

import { embeddedBaseName } from "../core/adapterRecord";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import type { Run } from "../core/run";
import { say } from "../core/say";
import { newModelCard } from "../formats/modelCard";
import type { NamedFile } from "../formats/zip";
import type { RunStore } from "../storage/runStore";
import { newAdapterFiles } from "./adapterFiles";
import { parseCheckpoint, trainedOf } from "./checkpoint";

/** In PEFT's layout where it has one, else in the studio's. Throws `adapter.invalid` where there is no checkpoint yet. */
export async function exportAdapter(run: Run, store: RunStore, config: ModelConfig): Promise<NamedFile[]> {
  const checkpoint = await store.readCheckpoint(run.id);
  if (!checkpoint) throw new StudioError("adapter.invalid", say`The run has no checkpoint yet`);
  const { recipe, before, after } = run;
  const baseName = recipe.model === "embedded" ? embeddedBaseName : recipe.model;
  const { adaptation, tensors } = trainedOf(recipe, parseCheckpoint(checkpoint.bytes));
  const dimensions = recipe.objective.kind === "reward" ? { dimensions: recipe.objective.dimensions } : {};
  const card = newModelCard({ recipe, baseName, before, after });
  const files = newAdapterFiles({ config, adaptation, tensors, baseName, card, ...dimensions });
  const own = `${JSON.stringify(recipe, null, 2)}\n`; // the template, which any use of the adapter needs
  return [...files, { path: "recipe.json", bytes: new TextEncoder().encode(own) }];
}

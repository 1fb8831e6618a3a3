/** @file An adapter's folder, in PEFT's layout or the studio's own. */

import path from "node:path";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { newRecipe, parseRecipe } from "../core/recipe";
import { say } from "../core/say";
import { type AdapterFiles, readAdapterFiles } from "../jobs/adapterFiles";
import type { RewardModel } from "../jobs/rateByModel";
import { readFileOrNull } from "./host";

/** Throws `adapter.invalid`, `model.tensor` or `file.unreadable`. */
export async function readAdapterFolder(folder: string, config: ModelConfig): Promise<AdapterFiles> {
  try {
    return await readAdapterFiles((file) => readFileOrNull(path.join(folder, file)), config);
  } catch (cause) {
    if (!(cause instanceof StudioError) || cause.code === "file.unreadable") throw cause;
    throw new StudioError(cause.code, say`${folder}: ${cause.detail ?? cause.message}`, { cause });
  }
}

/** The same with what its recipe says of it, where the folder has one. Throws the same. */
export async function readTrainedFolder(folder: string, config: ModelConfig): Promise<RewardModel> {
  const files = await readAdapterFolder(folder, config);
  const recipe = await readFileOrNull(path.join(folder, "recipe.json"));
  const { objective } = recipe ? parseRecipe(JSON.parse(new TextDecoder().decode(recipe))) : newRecipe();
  return objective.kind === "reward" ? { ...files, dimensions: objective.dimensions } : files;
}

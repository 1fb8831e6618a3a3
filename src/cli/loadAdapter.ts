/** @file An adapter's folder in PEFT's layout. */

import path from "node:path";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";
import { parsePeft } from "../formats/peft";
import type { AdapterFiles } from "../jobs/adapterFiles";
import { readFileOrNull, readJsonFile } from "./host";

/** Throws `adapter.invalid` or `file.unreadable`. */
export async function readAdapterFolder(folder: string, config: ModelConfig): Promise<AdapterFiles> {
  const safetensors = await readFileOrNull(path.join(folder, "adapter_model.safetensors"));
  if (!safetensors) throw new StudioError("adapter.invalid", say`${folder} has no adapter_model.safetensors`);
  const adapter_config = await readJsonFile(path.join(folder, "adapter_config.json"));
  const { method, tensors } = parsePeft({ adapter_config, safetensors }, config);
  return { adaptation: [method], tensors };
}

/** @file An adapter's folder, in PEFT's layout or the studio's own. */

import path from "node:path";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";
import { type AdapterFiles, readAdapterFiles } from "../jobs/adapterFiles";
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

/** @file Where large exports lie until they have been saved. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { placeOf } from "./opfs";

export const exportsFolder = "files/exports";

/** The file of an export, for the page to save. Throws `storage.failed`. */
export async function openExport(path: string): Promise<File> {
  try {
    const [folder, name] = await placeOf(path, false);
    return await (await folder.getFileHandle(name)).getFile();
  } catch (cause) {
    throw new StudioError("storage.failed", say`The export cannot be read`, { cause });
  }
}

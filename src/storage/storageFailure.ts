/** @file What a failed read or write means to a person: no room, or something else that went wrong. */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";

const noRoom = new Set(["QuotaExceededError", "ENOSPC", "EDQUOT", "ERR_FS_FILE_TOO_LARGE"]);

/** `storage.full` where the disk or the quota is, `storage.failed` for the rest. A StudioError stays what it is. */
export function storageFailure(doing: Said, error: unknown): StudioError {
  if (error instanceof StudioError) return error;
  const { name, code, message } = error as { name?: unknown; code?: unknown; message?: unknown };
  const full = [name, code].some((mark) => typeof mark === "string" && noRoom.has(mark));
  const reason = typeof message === "string" && message !== "" ? message : String(error);
  return new StudioError(full ? "storage.full" : "storage.failed", say`${doing}: ${reason}`, { cause: error });
}

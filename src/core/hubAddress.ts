/** @file How a person names a model of a Hugging Face hub, and where the hub is. */

import { StudioError } from "./errors";
import { type Said, say } from "./say";

function fail(detail: Said, cause?: unknown): never {
  throw new StudioError("model.download", detail, cause === undefined ? undefined : { cause });
}

/** `owner/name`, or `owner/name/file.gguf` for one file of many. Throws `model.download`. */
export function parseRepository(text: string): { repository: string; file: string | null } {
  const plain = text.trim().replace(/^https?:\/\/[^/]+\//, "");
  const [owner = "", name = "", ...rest] = plain.split("/").filter((part) => part !== "");
  const isName = (part: string) => /^[\w][\w.-]{0,95}$/.test(part) && !part.includes("..");
  if (!isName(owner) || !isName(name)) fail(say`${JSON.stringify(text.slice(0, 80))} is not of the form owner/name`);
  const file = rest.at(-1)?.endsWith(".gguf") ? rest.at(-1) : undefined;
  return { repository: `${owner}/${name}`, file: file ?? null };
}

/** An address without a path; throws `model.download`. */
export function parseHost(text: string): string {
  try {
    const url = new URL(text.includes("://") ? text : `https://${text}`);
    if (url.protocol !== "https:" && url.hostname !== "localhost" && url.hostname !== "127.0.0.1") {
      fail(say`${url.protocol}// is not safe: the host must be reached by https`);
    }
    return url.origin;
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    return fail(say`${JSON.stringify(text.slice(0, 80))} is not an address`, cause);
  }
}

/** @file A model repository of a Hugging Face hub, or of a mirror that serves the same paths. */

import type { ByteSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import type { ModelFile } from "../core/modelRecord";
import { type Said, say } from "../core/say";
import { isFileName } from "./importModel";

export type HubRepository = {
  host: string;
  repository: string;
  /** The commit that the revision stood for. */
  revision: string;
  /** Those of a model that the studio reads. */
  files: ModelFile[];
};

/** Files beside the weights that are worth having. */
const wanted = new Set([
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "vocab.json",
  "merges.txt",
  "README.md",
  "model.safetensors.index.json",
]);

/** Of several GGUF files, the first of these kinds that is there: small enough for a laptop, good enough to build on. */
const preferredQuantizations = ["Q4_K_M", "Q4_0", "Q4_1", "Q4_K_S", "Q5_K_M", "Q8_0", "Q6_K", "F16", "BF16", "F32"];

function fail(detail: Said, cause?: unknown): never {
  throw new StudioError("model.download", detail, cause === undefined ? undefined : { cause });
}

const passing = new WeakSet<Error>();
/** Whether it may be over in a moment. */
const isPassing = (error: Error) => passing.has(error);

async function get(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init).catch((cause: unknown) => {
    if (init.signal?.aborted) throw cause;
    const error = new StudioError("model.download", say`${new URL(url).host} cannot be reached`, { cause });
    passing.add(error);
    throw error;
  });
  if (response.ok) return response;
  if (response.status >= 500 || response.status === 429) {
    const error = new StudioError("model.download", say`${new URL(url).host} answers ${response.status}`);
    passing.add(error);
    throw error;
  }
  if (response.status === 401 || response.status === 403) {
    fail(say`${new URL(url).host} gives this only to those who have asked for it (${response.status})`);
  }
  if (response.status === 404) fail(say`${new URL(url).host} has no such repository, revision or file`);
  return fail(say`${new URL(url).host} answers ${response.status}`);
}

type Sibling = { name: string; size: number; hash: string | null };

function parseSiblings(answer: unknown): { revision: string; siblings: Sibling[] } {
  const { sha, siblings } = (answer ?? {}) as { sha?: unknown; siblings?: unknown };
  if (typeof sha !== "string" || !/^[0-9a-f]{7,64}$/.test(sha) || !Array.isArray(siblings)) {
    fail(say`The hub's answer is not a list of files`);
  }
  const found = siblings.flatMap((entry: unknown): Sibling[] => {
    const { rfilename, size, lfs } = (entry ?? {}) as { rfilename?: unknown; size?: unknown; lfs?: unknown };
    if (typeof rfilename !== "string" || !isFileName(rfilename)) return []; // in a folder, or no name for a file of ours
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
      fail(say`The hub tells no size of ${rfilename}`);
    const { sha256 } = (lfs ?? {}) as { sha256?: unknown };
    return [{ name: rfilename, size, hash: typeof sha256 === "string" ? sha256 : null }];
  });
  return { revision: sha, siblings: found };
}

/** The files of a model among all of a repository's. Throws `model.download` where there are no weights it reads. */
export function chooseFiles(siblings: readonly Sibling[], file: string | null): Sibling[] {
  const safetensors = siblings.filter(({ name }) => /^model(-\d+-of-\d+)?\.safetensors$/.test(name));
  const ggufs = siblings.filter(({ name }) => name.endsWith(".gguf") && !name.startsWith("mmproj"));
  const card = siblings.filter(({ name }) => name === "README.md");
  if (file !== null) {
    const chosen = ggufs.find(({ name }) => name === file);
    if (!chosen) fail(say`The repository has no ${file}`);
    return [...card, chosen];
  }
  if (safetensors.length > 0) return [...siblings.filter(({ name }) => wanted.has(name)), ...safetensors];
  for (const kind of preferredQuantizations) {
    const chosen = ggufs.find(({ name }) => name.toUpperCase().includes(kind));
    if (chosen) return [...card, chosen];
  }
  const [only] = ggufs;
  if (only) return [...card, only];
  return fail(say`The repository has no model.safetensors and no GGUF file`);
}

/** What a repository has of a model. Throws `model.download`, and the signal's reason. */
export async function openRepository(
  wish: { host: string; repository: string; revision: string; file: string | null },
  signal: AbortSignal,
): Promise<HubRepository> {
  const { host, repository, revision, file } = wish;
  const address = `${host}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const answer: unknown = await (await get(address, { signal })).json().catch((cause: unknown) => {
    signal.throwIfAborted();
    return fail(say`The hub's answer is not JSON`, cause);
  });
  const { revision: commit, siblings } = parseSiblings(answer);
  const files = chooseFiles(siblings, file).map(({ name, size, hash }) => ({ name, bytes: size, hash }));
  return { host, repository, revision: commit, files };
}

/** How often a broken connection is tried again without a byte in between, and the first wait in milliseconds. */
const [mostTries, firstWait] = [4, 500];

/**
 * A file of a repository, by its record alone: an import goes on without asking for the list again. Reads that follow
 * one another are one request; a broken one is asked for again from where it broke.
 */
export function rangeSource(
  { host, repository, revision }: Pick<HubRepository, "host" | "repository" | "revision">,
  { name, bytes: size }: Pick<ModelFile, "name" | "bytes">,
  signal: AbortSignal,
): ByteSource {
  const url = `${host}/${repository}/resolve/${revision}/${encodeURIComponent(name)}`;
  let stream: ReadableStreamDefaultReader<Uint8Array> | null = null;
  let at = 0; // of the next byte
  let left = new Uint8Array(0);

  const connect = async (offset: number) => {
    await stream?.cancel().catch(() => undefined);
    const headers = offset > 0 ? { Range: `bytes=${offset}-` } : {};
    const response = await get(url, { headers, signal });
    if (offset > 0 && response.status !== 206) fail(say`The hub does not send parts of files`);
    stream = response.body?.getReader() ?? fail(say`${name} came without a body`);
    at = offset;
    left = new Uint8Array(0);
  };
  /** The bytes that have come, at least one of them; throws where the connection broke. */
  const more = async (): Promise<Uint8Array> => {
    if (left.length > 0) return left;
    const next = await stream?.read();
    if (!next || next.done) throw new Error("The connection ended early");
    return next.value;
  };

  return {
    name,
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      for (let tries = 0; filled < length; ) {
        try {
          if (!stream || at !== offset + filled) await connect(offset + filled);
          const part = await more();
          const taken = part.subarray(0, length - filled);
          bytes.set(taken, filled);
          filled += taken.length;
          at += taken.length;
          left = part.slice(taken.length);
          tries = 0;
        } catch (cause) {
          stream = null;
          signal.throwIfAborted();
          if (cause instanceof StudioError && !isPassing(cause)) throw cause;
          if (++tries >= mostTries) fail(say`${name} broke off at byte ${offset + filled} of ${size}`, cause);
          await new Promise((resolve) => setTimeout(resolve, firstWait * 2 ** (tries - 1)));
        }
      }
      return bytes;
    },
  };
}

/** @file The files of an adapter as they were dropped or picked: a folder's, a zip's, or a GGUF file. */

import { unzipSync } from "fflate";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";

/** Bytes of an adapter's files at most: several times the largest that this studio trains. */
const mostBytes = 2 ** 31;
/** Deflate makes no more of a byte; what claims more is made to fill the memory. */
const mostDeflated = 1032;

const known = new Set([
  "anneal_adapter.json",
  "adapter_config.json",
  "adapter_model.safetensors",
  "loar.json",
  "loar.safetensors",
  "recipe.json",
]);
const isGguf = (name: string) => name.toLowerCase().endsWith(".gguf");
const isUsable = (path: string) => known.has(nameOf(path)) || isGguf(path);
/** Either tells that a folder is an adapter's. */
const heads = ["loar.json", "anneal_adapter.json", "adapter_config.json"];

function fail(detail: Said, cause?: unknown): never {
  throw new StudioError("adapter.invalid", detail, { cause });
}

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1);

type Found = { path: string; bytes: () => Promise<Uint8Array> };

/**
 * What is known of the files, by the path from the adapter's own folder on: `lora/adapter_config.json` beside `loar.json`.
 * Of several adapters in one zip none is taken. Throws `adapter.invalid`.
 */
export async function openAdapterFiles(files: readonly File[]): Promise<Map<string, Uint8Array>> {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size > mostBytes) fail(say`${Math.round(size / 2 ** 20)} MB are no adapter`);
  const found: Found[] = [];
  for (const file of files) {
    if (file.name.toLowerCase().endsWith(".zip")) {
      const entries = unzipped(new Uint8Array(await file.arrayBuffer()), file.name);
      for (const [path, bytes] of entries) found.push({ path, bytes: () => Promise.resolve(bytes) });
    } else {
      const bytes = async () => new Uint8Array(await file.arrayBuffer());
      found.push({ path: file.webkitRelativePath || file.name, bytes });
    }
  }
  const folder = adapterFolder(found.map(({ path }) => path));
  const inside = found.filter(({ path }) => path.startsWith(folder) && isUsable(path));
  const read = await Promise.all(
    inside.map(async ({ path, bytes }) => [path.slice(folder.length), await bytes()] as const),
  );
  return new Map(read);
}

/** The folder, with its slash, of the one adapter among these paths. */
function adapterFolder(paths: readonly string[]): string {
  const usable = paths.filter(isUsable);
  const folders = new Set(usable.filter((path) => heads.includes(nameOf(path)) || isGguf(path)).map(folderOf));
  // the LoRA beside LoAR lies in a folder of its own
  const own = [...folders].filter((folder) => ![...folders].some((other) => `${other}lora/` === folder));
  const shallowest = Math.min(...own.map(depth));
  const [first, second] = own.filter((folder) => depth(folder) === shallowest).sort();
  if (second !== undefined)
    fail(say`There are two adapters, in ${first || "./"} and in ${second}: bring one at a time`);
  if (first !== undefined) return first;
  if (paths.some((path) => nameOf(path) === "adapter_model.bin")) {
    fail(say`adapter_model.bin is a pickle, which may hold a program: save the adapter as safetensors`);
  }
  const [some] = usable;
  return some === undefined
    ? fail(say`There is no adapter_config.json, anneal_adapter.json or .gguf in it`)
    : folderOf(some);
}

const depth = (folder: string) => folder.split("/").length;

/** The entries that an adapter has; what else lies in the zip is not even unpacked. */
function unzipped(zip: Uint8Array, name: string): [path: string, bytes: Uint8Array][] {
  let total = 0;
  const seen: string[] = [];
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(zip, {
      filter: (entry) => {
        if (entry.name.startsWith("__MACOSX/")) return false;
        seen.push(entry.name);
        if (!isUsable(entry.name)) return false;
        total += entry.originalSize;
        if (total > mostBytes || entry.originalSize > mostDeflated * (entry.size + 8)) {
          fail(say`${name}: ${entry.name} claims ${entry.originalSize} bytes`);
        }
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    return fail(say`${name} is not a zip that can be read`, cause);
  }
  // the names of what was left out tell what is wrong with it
  return seen.map((path) => [path, entries[path] ?? new Uint8Array()]);
}

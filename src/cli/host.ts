/** @file What the engine needs of Node: the files that ship with the studio, models from folders, devices. */

import { existsSync, openAsBlob } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { blobSource } from "../core/byteSource";
import type { BackendChoice } from "../core/engine";
import { StudioError } from "../core/errors";
import { say } from "../core/say";
import type { NamedFile } from "../formats/zip";
import type { StreamedFile } from "../jobs/exportModel";
import type { ReadAsset } from "../jobs/loadSource";
import type { ModelFiles } from "../jobs/openModel";
import { type Device, openDevice } from "../kernels/device";

/** The repository's root: above this file, bundled or not. */
function findRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "public", "embedded"))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new StudioError("model.missing", say`public/embedded was not found`);
    folder = parent;
  }
  return folder;
}

export async function readFileOrNull(file: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    if ((cause as { code?: string }).code === "ENOENT") return null;
    throw new StudioError("file.unreadable", say`${file} cannot be read`, { cause });
  }
}

export const readAsset: ReadAsset = (file) => readFileOrNull(path.join(findRoot(), "public", file));

/** `embedded`, a Hugging Face folder, or a GGUF file. Throws `model.missing`. */
export async function modelFiles(model: string): Promise<ModelFiles> {
  const place = model === "embedded" ? path.join(findRoot(), "public", "embedded") : path.resolve(model);
  const found = await stat(place).catch(() => null);
  if (!found) throw new StudioError("model.missing", say`${model} does not exist`);
  const folder = found.isDirectory() ? place : path.dirname(place);
  const names = found.isDirectory() ? await readdir(place) : [path.basename(place)];
  return {
    name: model,
    list: () => Promise.resolve(names),
    open: async (file) => {
      const is = await stat(path.join(folder, file)).catch(() => null);
      return is?.isFile() ? blobSource(await openAsBlob(path.join(folder, file)), file) : null;
    },
  };
}

/** Throws `file.unreadable`. */
export async function openFile(file: string): Promise<Blob & { name: string }> {
  const found = await stat(file).catch(() => null);
  if (!found) throw new StudioError("file.unreadable", say`${file} does not exist`);
  if (!found.isFile()) throw new StudioError("file.unreadable", say`${file} is not a file`);
  return Object.assign(await openAsBlob(file), { name: path.basename(file) });
}

/** Throws `file.unreadable` where it is no JSON. */
export async function readJsonFile(file: string): Promise<unknown> {
  const bytes = await readFileOrNull(file);
  if (!bytes) throw new StudioError("file.unreadable", say`${file} does not exist`);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new StudioError("file.unreadable", say`${file} is not JSON: ${String(cause)}`, { cause });
  }
}

export async function writeFiles(folder: string, files: readonly NamedFile[]): Promise<void> {
  try {
    for (const { path: name, bytes } of files) {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  } catch (cause) {
    throw new StudioError("storage.failed", say`${folder} cannot be written`, { cause });
  }
}

/** Throws `storage.failed`. */
export async function writeStreams(folder: string, files: readonly StreamedFile[]): Promise<void> {
  try {
    for (const { path: name, bytes } of files) {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, bytes());
    }
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    throw new StudioError("storage.failed", say`${folder} cannot be written`, { cause });
  }
}

const choices: readonly string[] = ["auto", "webgpu", "wasm", "cpu"] satisfies BackendChoice[];

/** Dawn is loaded only where WebGPU is asked for by name: in Node, `auto` is the CPU path. */
export async function openBackend(choice = "auto"): Promise<Device> {
  if (!choices.includes(choice)) throw new StudioError("cli.usage", say`--backend is one of ${choices.join(", ")}`);
  console.info = console.log = console.warn = () => undefined; // the libraries' greetings are not our output
  if (choice !== "webgpu") return openDevice(choice as BackendChoice);
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const gpu = create([]);
  // tfjs looks for WebGPU there, and nowhere else.
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "Node" }, configurable: true });
  return openDevice("webgpu", { gpu });
}

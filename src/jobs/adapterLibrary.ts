/** @file The adapters of this browser beside those of runs: brought in from files, or added up from others. */

import { unzip } from "fflate";
import type { Adaptation } from "../core/adaptation";
import { methodOf } from "../core/adaptation";
import type { AdapterRecord, TrainedId } from "../core/adapterRecord";
import { bytesSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { type AdapterId, newId, type RunId } from "../core/ids";
import type { ModelConfig } from "../core/model";
import type { WeightFormat } from "../core/packing";
import { gsm8kTemplate, parseRecipe, type Recipe } from "../core/recipe";
import { say } from "../core/say";
import { bytes, millis } from "../core/units";
import { addLoras } from "../formats/addAdapters";
import { parseGgufAdapter } from "../formats/ggufAdapter";
import { parseSafetensors, writeSafetensors } from "../formats/safetensors";
import { adapterFile, getAdapter, readAdapterBytes, saveAdapter } from "../storage/adapters";
import type { RunStore } from "../storage/runStore";
import { getRun } from "../storage/runs";
import { type AdapterFiles, readAdapterFiles } from "./adapterFiles";
import { parseCheckpoint } from "./checkpoint";
import { loraOfModules } from "./loraModules";

/** What was trained, on which base, and how it is asked. */
export type Trained = AdapterFiles & {
  name: string;
  model: string;
  precision: WeightFormat | undefined;
  template: Recipe["template"];
};

/** Bytes of an adapter's files at most: several times the largest that this studio trains. */
const mostBytes = 2 ** 31;

/** A run's last checkpoint, or an adapter of the library. Throws `adapter.invalid` where a run has no checkpoint yet. */
export async function readTrained(id: TrainedId, store: RunStore): Promise<Trained> {
  if (id.startsWith("adapter:")) {
    const record = await getAdapter(id as AdapterId);
    const tensors = parseSafetensors(await readAdapterBytes(record)).tensors;
    const { name, model, adaptation, template } = record;
    return { name, model, precision: undefined, adaptation, template, tensors: new Map(tensors) };
  }
  const run = await getRun(id as RunId);
  // a run that is training may replace its checkpoint while we read it: the next one is there at once
  const checkpoint = await store.readCheckpoint(run.id).catch(() => store.readCheckpoint(run.id));
  if (!checkpoint) throw new StudioError("adapter.invalid", say`The run has no checkpoint yet`);
  const { model, precision, adaptation, template } = run.recipe;
  return { name: run.name, model, precision, adaptation, template, tensors: parseCheckpoint(checkpoint.bytes).adapter };
}

async function save(
  record: Pick<AdapterRecord, "name" | "model" | "adaptation" | "template" | "origin">,
  tensors: AdapterFiles["tensors"],
): Promise<AdapterRecord> {
  const id: AdapterId = newId("adapter");
  const file = writeSafetensors(tensors, { format: "pt" });
  const whole: AdapterRecord = {
    ...record,
    id,
    version: 1,
    createdAt: millis(Date.now()),
    file: adapterFile(id),
    bytes: bytes(file.length),
  };
  await saveAdapter(whole, file);
  return whole;
}

/** A folder's files or one zip of them, by the names behind the last slash. */
async function openFiles(files: readonly File[]): Promise<Map<string, Uint8Array>> {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size > mostBytes) throw new StudioError("adapter.invalid", say`${Math.round(size / 2 ** 20)} MB is no adapter`);
  const found = new Map<string, Uint8Array>();
  for (const file of files) {
    const whole = new Uint8Array(await file.arrayBuffer());
    const entries = file.name.toLowerCase().endsWith(".zip")
      ? await unzipped(whole, file.name)
      : { [file.name]: whole };
    for (const [path, content] of Object.entries(entries)) found.set(path.split("/").at(-1) ?? path, content);
  }
  return found;
}

function unzipped(zip: Uint8Array, name: string): Promise<Record<string, Uint8Array>> {
  return new Promise((resolve, reject) => {
    let total = 0;
    const isFitting = ({ originalSize }: { originalSize: number }) => (total += originalSize) <= mostBytes;
    unzip(zip, { filter: isFitting }, (error, entries) => {
      if (error)
        reject(new StudioError("adapter.invalid", say`${name} is not a zip that can be read`, { cause: error }));
      else resolve(entries);
    });
  });
}

/** What the files say of the adapter; a recipe beside it tells how it is asked. Throws `adapter.invalid`. */
async function readFiles(
  files: ReadonlyMap<string, Uint8Array>,
  config: ModelConfig,
): Promise<AdapterFiles & { template: Recipe["template"] | null }> {
  const gguf = [...files].find(([name]) => name.toLowerCase().endsWith(".gguf"));
  if (gguf) {
    const [name, content] = gguf;
    const modules = await parseGgufAdapter(bytesSource(content as Uint8Array<ArrayBuffer>, name), config);
    return { ...loraOfModules(config, modules), template: null };
  }
  const read = await readAdapterFiles((name) => Promise.resolve(files.get(name) ?? null), config);
  const recipe = files.get("recipe.json");
  if (!recipe) return { ...read, template: null };
  try {
    return { ...read, template: parseRecipe(JSON.parse(new TextDecoder().decode(recipe))).template };
  } catch {
    return { ...read, template: null }; // some other tool's recipe
  }
}

/**
 * An adapter's folder, its zip, or a GGUF adapter, for this base. `template` is the base's own way of asking, where the
 * files do not say. Throws `adapter.invalid`, naming what does not fit; then nothing is stored.
 */
export async function importAdapter(
  files: readonly File[],
  given: { name: string; model: string; config: ModelConfig; template: Recipe["template"] | null },
): Promise<AdapterRecord> {
  const { name, model, config } = given;
  const { adaptation, tensors, template } = await readFiles(await openFiles(files), config);
  const origin = { kind: "files", names: files.map((file) => file.name) } as const;
  return save({ name, model, adaptation, template: template ?? given.template ?? gsm8kTemplate, origin }, tensors);
}

/**
 * Several adapters of one base as one, each by its weight. Throws `adapter.invalid` where they are of different bases, or
 * not LoRA alone.
 */
export async function addAdapters(
  parts: readonly { id: TrainedId; weight: number }[],
  name: string,
  configOf: (model: string) => Promise<ModelConfig>,
  store: RunStore,
): Promise<AdapterRecord> {
  const read = await Promise.all(parts.map(async ({ id, weight }) => ({ ...(await readTrained(id, store)), weight })));
  const [first] = read;
  if (!first || read.length < 2) throw new StudioError("adapter.invalid", say`Two adapters at least are added`);
  const stranger = read.find(({ model }) => model !== first.model);
  if (stranger) throw new StudioError("adapter.invalid", say`${stranger.name} is for another base than ${first.name}`);
  const loras = read.map(({ name, adaptation, tensors, weight }) => ({
    lora: onlyLora(name, adaptation),
    tensors,
    weight,
  }));
  const { lora, tensors } = addLoras(await configOf(first.model), loras);
  const origin = { kind: "sum", parts: read.map(({ name, weight }) => ({ name, weight })) } as const;
  return save({ name, model: first.model, adaptation: [lora], template: first.template, origin }, tensors);
}

function onlyLora(name: string, adaptation: Adaptation) {
  const lora = methodOf(adaptation, "lora");
  if (lora && adaptation.length === 1) return lora;
  const kinds = adaptation.map(({ kind }) => kind).join(", ");
  throw new StudioError("adapter.invalid", say`${name} is ${kinds}: only LoRA adapters add up`);
}

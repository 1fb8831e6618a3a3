/** @file The adapters of this browser beside those of runs: brought in from files, or added up from others. */

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
import { type Files, opfs } from "../storage/files";
import type { RunStore } from "../storage/runStore";
import { type AdapterFiles, readAdapterFiles } from "./adapterFiles";
import { parseCheckpoint, trainedOf } from "./checkpoint";
import { loraOfModules } from "./loraModules";
import { openAdapterFiles } from "./openAdapterFiles";

/** What was trained, on which base, and how it is asked. */
export type Trained = AdapterFiles & {
  name: string;
  model: string;
  precision: WeightFormat | undefined;
  template: Recipe["template"];
};

/** A run's last checkpoint, or an adapter of the library. Throws `adapter.invalid` where a run has no checkpoint yet. */
export async function readTrained(id: TrainedId, store: RunStore, files: Files = opfs): Promise<Trained> {
  if (id.startsWith("adapter:")) {
    const record = await getAdapter(id as AdapterId);
    const tensors = parseSafetensors(await readAdapterBytes(record, files)).tensors;
    const { name, model, adaptation, template, dimensions } = record;
    const named = dimensions ? { dimensions } : {};
    return { name, model, precision: undefined, adaptation, template, tensors: new Map(tensors), ...named };
  }
  const run = await store.getRun(id as RunId);
  // a run that is training may replace its checkpoint while we read it: the next one is there at once
  const checkpoint = await store.readCheckpoint(run.id).catch(() => store.readCheckpoint(run.id));
  if (!checkpoint) throw new StudioError("adapter.invalid", say`The run has no checkpoint yet`);
  const { model, precision, template, objective } = run.recipe;
  const dimensions = objective.kind === "reward" ? { dimensions: objective.dimensions } : {};
  return {
    name: run.name,
    model,
    precision,
    template,
    ...trainedOf(run.recipe, parseCheckpoint(checkpoint.bytes)),
    ...dimensions,
  };
}

async function save(
  record: Pick<AdapterRecord, "name" | "model" | "adaptation" | "template" | "origin" | "dimensions">,
  tensors: AdapterFiles["tensors"],
  files: Files,
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
  await saveAdapter(whole, file, files);
  return whole;
}

/** Throws `adapter.invalid` where a trained number is none: every answer would be nothing. */
function checkNumbers(tensors: AdapterFiles["tensors"]): void {
  for (const [name, { values }] of tensors) {
    if (!values.every(Number.isFinite)) {
      throw new StudioError("adapter.invalid", say`${name} has a number that is infinite or none`);
    }
  }
}

/** What the files say of the adapter; a recipe beside it tells how it is asked. Throws `adapter.invalid`. */
async function readFiles(
  files: ReadonlyMap<string, Uint8Array>,
  config: ModelConfig,
): Promise<AdapterFiles & { template: Recipe["template"] | null }> {
  const gguf = [...files].find(([name]) => name.toLowerCase().endsWith(".gguf"));
  if (gguf) {
    const [name, content] = gguf;
    const modules = await parseGgufAdapter(bytesSource(content, name), config);
    return { ...loraOfModules(config, modules), template: null };
  }
  const read = await readAdapterFiles((name) => Promise.resolve(files.get(name) ?? null), config);
  const recipe = files.get("recipe.json");
  if (!recipe) return { ...read, template: null };
  try {
    const { template, objective } = parseRecipe(JSON.parse(new TextDecoder().decode(recipe)));
    const isNamed =
      objective.kind === "reward" && objective.dimensions.length === methodOf(read.adaptation, "head")?.outputs;
    // the tensors' own file comes first: a recipe may be another run's
    return { ...(isNamed ? { dimensions: objective.dimensions } : {}), ...read, template };
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
  storage: Files = opfs,
): Promise<AdapterRecord> {
  const { name, model, config } = given;
  const { adaptation, tensors, template, dimensions } = await readFiles(await openAdapterFiles(files), config);
  checkNumbers(tensors);
  const origin = { kind: "files", names: files.map((file) => file.name) } as const;
  const asked = template ?? given.template ?? gsm8kTemplate;
  const named = dimensions ? { dimensions } : {};
  return save({ name, model, adaptation, template: asked, origin, ...named }, tensors, storage);
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
  storage: Files = opfs,
): Promise<AdapterRecord> {
  const read = await Promise.all(
    parts.map(async ({ id, weight }) => ({ ...(await readTrained(id, store, storage)), weight })),
  );
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
  return save({ name, model: first.model, adaptation: [lora], template: first.template, origin }, tensors, storage);
}

function onlyLora(name: string, adaptation: Adaptation) {
  const lora = methodOf(adaptation, "lora");
  if (lora && adaptation.length === 1) return lora;
  const kinds = adaptation.map(({ kind }) => kind).join(", ");
  throw new StudioError("adapter.invalid", say`${name} is ${kinds}: only LoRA adapters add up`);
}

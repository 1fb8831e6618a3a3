/** @file The forms in which what was trained can leave: which can carry it, and the files of each. */

import type { Adaptation, Lora } from "../core/adaptation";
import { methodOf } from "../core/adaptation";
import { architectures } from "../core/architectures";
import { StudioError } from "../core/errors";
import {
  type ExportChoice,
  type ExportFormat,
  type ExportKind,
  exportKinds,
  type GgufWeightType,
} from "../core/exportFormat";
import type { ModelConfig } from "../core/model";
import type { Recipe } from "../core/recipe";
import { type Said, say } from "../core/say";
import { newGgufTokenizer } from "../data/ggufTokenizerOut";
import { markTable } from "../data/logicMarks";
import { endToken } from "../data/mask";
import { newGgufAdapter } from "../formats/ggufAdapter";
import { newGgufSettings } from "../formats/ggufMetadata";
import { newGgufModel } from "../formats/ggufModel";
import type { GgufMetadata } from "../formats/ggufWriter";
import { canMerge, mergedConfig } from "../formats/merge";
import { methodTitles } from "../formats/modelCard";
import { newModelfile } from "../formats/modelfile";
import { newNativeAdapterFiles } from "../formats/nativeAdapter";
import { newPeftFiles, peftFormOf } from "../formats/peft";
import { writeSafetensors } from "../formats/safetensors";
import type { NamedFile } from "../formats/zip";
import type { AdapterFiles } from "./adapterFiles";
import { exportModel, openMerged, type StreamedFile, streamed } from "./exportModel";
import type { ReadAsset } from "./loadSource";
import { modulesOfLora } from "./loraModules";
import { type OpenModel, openTokenizer } from "./openModel";

type Template = Recipe["template"];

const titlesOf = (adaptation: Adaptation) => adaptation.map(({ kind }) => methodTitles[kind]).join(", ");

/** What a part of the export throws, as the reason not to offer it. */
function reasonOf(act: () => unknown): Said | null {
  try {
    act();
    return null;
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    return error.detail ?? say`${error.message}`;
  }
}

function whyNotPeft(adaptation: Adaptation): Said | null {
  if (peftFormOf(adaptation)) return null;
  if (adaptation.length > 1) return say`A PEFT folder holds one method, and here are several: ${titlesOf(adaptation)}`;
  return say`PEFT has no form for ${titlesOf(adaptation)}`;
}

/** LoRA as llama.cpp's adapters hold it. */
function plainLora(adaptation: Adaptation): Lora | null {
  const [lora, ...others] = adaptation;
  return lora?.kind === "lora" && others.length === 0 && !lora.dora ? lora : null;
}

function whyNotGgufAdapter(adaptation: Adaptation, config: ModelConfig): Said | null {
  if (methodOf(adaptation, "lora")?.dora && adaptation.length === 1)
    return say`llama.cpp's adapters are A and B alone, and DoRA has trained lengths as well`;
  if (!plainLora(adaptation)) return say`llama.cpp's adapters are LoRA alone, and this is ${titlesOf(adaptation)}`;
  return reasonOf(() => newGgufSettings(config));
}

function whyNotLoar(adaptation: Adaptation): Said | null {
  if (!methodOf(adaptation, "loar")) return say`There is no LoAR in it`;
  const strange = adaptation.find(({ kind }) => kind !== "loar" && kind !== "lora");
  return strange ? say`The Python module computes LoAR, alone or beside LoRA, not ${methodTitles[strange.kind]}` : null;
}

/** Which forms can carry this run, why others cannot, and what to take in their place. Reads no weights. */
export function exportChoices(adaptation: Adaptation, open: OpenModel, template: Template): ExportChoice[] {
  const merges = canMerge(adaptation);
  const gguf =
    merges ??
    reasonOf(() => {
      newGgufSettings(mergedConfig(open.config, adaptation));
      ggufTokenizerOf(open, template);
    });
  const reasons: Record<ExportKind, Said | null> = {
    peft: whyNotPeft(adaptation),
    anneal: null,
    merged: merges,
    gguf,
    "gguf-adapter": whyNotGgufAdapter(adaptation, open.config),
    loar: whyNotLoar(adaptation),
  };
  const firstOf = (...kinds: ExportKind[]) => kinds.find((kind) => reasons[kind] === null) ?? "anneal";
  const instead: Record<ExportKind, () => ExportKind> = {
    peft: () => firstOf("loar", "merged"),
    anneal: () => "anneal",
    merged: () => firstOf("peft", "loar"),
    gguf: () => firstOf("merged", "peft", "loar"),
    "gguf-adapter": () => firstOf("gguf", "merged", "peft", "loar"),
    loar: () => firstOf("peft", "merged"),
  };
  return exportKinds.map((kind) => ({
    kind,
    reason: reasons[kind],
    instead: reasons[kind] === null ? null : instead[kind](),
  }));
}

export type ExportInputs = {
  open: OpenModel;
  adapter: AdapterFiles;
  recipe: Recipe;
  /** What the base is called in an adapter's files, and the run in a model's. */
  baseName: string;
  name: string;
  card: string;
  readAsset: ReadAsset;
};

const encoder = new TextEncoder();
const textFile = (path: string, text: string): NamedFile => ({ path, bytes: encoder.encode(text) });

/**
 * The files of a format, those of weights written as they are asked for, and in what other programs will differ. Throws
 * `adapter.invalid` where the format cannot carry the run, as `exportChoices` says before, and what the parts throw.
 */
export async function newExport(
  format: ExportFormat,
  inputs: ExportInputs,
): Promise<{ files: StreamedFile[]; notes: Said[] }> {
  const { open, adapter, recipe, baseName, card } = inputs;
  const { adaptation } = adapter;
  const choice = exportChoices(adaptation, open, recipe.template).find(({ kind }) => kind === format.kind);
  if (choice?.reason) {
    throw new StudioError("adapter.invalid", say`${choice.reason}. Take ${choice.instead ?? "anneal"} instead`);
  }
  const shared = { config: open.config, ...adapter, baseName, card };
  const own = textFile("recipe.json", `${JSON.stringify(recipe, null, 2)}\n`); // the template, which any use needs
  const inMemory = (files: NamedFile[]) => ({ files: files.map(streamed), notes: [] });
  switch (format.kind) {
    case "peft": {
      const form = peftFormOf(adaptation);
      if (!form) throw new StudioError("bug");
      return inMemory([...newPeftFiles({ ...shared, ...form }), own]);
    }
    case "anneal":
      return inMemory([...newNativeAdapterFiles(shared), own]);
    case "merged":
      return { files: await exportModel(open, adapter, format.dtype, recipe.precision), notes: [] };
    case "gguf":
      return newGgufExport(format.type, inputs);
    case "gguf-adapter":
      return inMemory(newGgufAdapterExport(inputs));
    case "loar":
      return inMemory([...(await newLoarExport(inputs)), own]);
  }
}

/** The base's tokenizer for llama.cpp, which ends an answer where the template does. */
function ggufTokenizerOf(open: OpenModel, template: Template): GgufMetadata {
  if (open.ggufTokenizer) return open.ggufTokenizer();
  const { config, tokenizerJson, tokenizerConfig, stopIds, chatTemplate } = open;
  const tokenizer = openTokenizer(open);
  return newGgufTokenizer({
    tokenizerJson,
    tokenizerConfig,
    vocabSize: config.vocabSize,
    bosTokenId: config.bosTokenId,
    eosTokenIds: [...new Set([tokenizer.eos, endToken(template, tokenizer), ...stopIds])],
    chatTemplate: chatTemplate?.template ?? null,
  });
}

function modelfileOf(
  open: OpenModel,
  template: Template,
  names: { ggufName: string; adapterName?: string },
): NamedFile {
  const tokenizer = openTokenizer(open);
  const end = endToken(template, tokenizer);
  const [first] = tokenizer.prefix;
  const text = newModelfile({
    ...names,
    template,
    endOfText: tokenizer.tokenText(tokenizer.eos),
    endOfTurn: end === tokenizer.eos ? null : tokenizer.tokenText(end),
    beginOfText: first === undefined ? null : tokenizer.tokenText(first),
  });
  return textFile("Modelfile", text);
}

async function newGgufExport(type: GgufWeightType, { open, adapter, recipe, name }: ExportInputs) {
  const { config, rows } = await openMerged(open, adapter, recipe.precision);
  const tokenizer = ggufTokenizerOf(open, recipe.template);
  const { size, bytes, notes } = newGgufModel({ config, name, licence: open.licence, type, tokenizer, rows });
  const modelfile = modelfileOf(open, recipe.template, { ggufName: "model.gguf" });
  return { files: [{ path: "model.gguf", size, bytes }, streamed(modelfile)], notes };
}

/** Of a base that is a GGUF file itself the Modelfile has its name, else that of one to be made of the base. */
function newGgufAdapterExport({ open, adapter, recipe, name }: ExportInputs): NamedFile[] {
  const lora = plainLora(adapter.adaptation);
  if (!lora) throw new StudioError("bug");
  const modules = modulesOfLora(open.config, lora, adapter.tensors);
  const base = open.container === "gguf" ? (open.name.split(/[\\/]/).at(-1) ?? "") : "";
  const ggufName = base.endsWith(".gguf") ? base : "base.gguf";
  return [
    { path: "adapter.gguf", bytes: newGgufAdapter({ config: open.config, name, modules }) },
    modelfileOf(open, recipe.template, { ggufName, adapterName: "adapter.gguf" }),
  ];
}

/** loar.json, loar.safetensors, anneal_loar.py, and PEFT's folder of the LoRA beside it in lora/. */
async function newLoarExport({ open, adapter, baseName, card, readAsset }: ExportInputs): Promise<NamedFile[]> {
  const { config } = open;
  const loar = methodOf(adapter.adaptation, "loar");
  const python = await readAsset("python/anneal_loar.py");
  if (!loar || !python) throw new StudioError("bug", say`python/anneal_loar.py is not there`);
  const isGate = (name: string) => name.includes(".loar.");
  const table = new Float32Array(config.vocabSize);
  table.set(await markTable(openTokenizer(open), loar.annotator));
  const gates = [...adapter.tensors].filter(([name]) => isGate(name));
  const settings = {
    version: 1,
    base: baseName,
    mode: loar.mode,
    annotator: loar.annotator,
    blocks: architectures[config.architecture].tensors.blocks,
    layers: config.layers,
    heads: config.heads,
  };
  const lora = methodOf(adapter.adaptation, "lora");
  const tensors = new Map([...adapter.tensors].filter(([name]) => !isGate(name)));
  const beside = lora ? newPeftFiles({ config, method: lora, tensors, baseName, card }) : [];
  return [
    textFile("loar.json", `${JSON.stringify(settings, null, 2)}\n`),
    {
      path: "loar.safetensors",
      bytes: writeSafetensors(new Map([...gates, ["table", { shape: [table.length], values: table }]]), {
        format: "pt",
      }),
    },
    { path: "anneal_loar.py", bytes: python },
    textFile("README.md", card),
    ...beside.filter(({ path }) => path !== "README.md").map((file) => ({ ...file, path: `lora/${file.path}` })),
  ];
}

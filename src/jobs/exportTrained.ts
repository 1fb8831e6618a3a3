/** @file What was trained, a run's last checkpoint or an adapter of the library, as a file, and the proof that it is that. */

import { embeddedBaseName, type TrainedId } from "../core/adapterRecord";
import { StudioError } from "../core/errors";
import {
  type ExportFormat,
  type ExportOffer,
  type ExportProof,
  exportKinds,
  formatKey,
  formatsOf,
  type MadeExport,
} from "../core/exportFormat";
import type { AdapterId, ModelId, RunId } from "../core/ids";
import { newRecipe, type Recipe } from "../core/recipe";
import { type Said, say } from "../core/say";
import type { Turns } from "../core/turns";
import { newLibraryCard } from "../formats/libraryCard";
import { newModelCard } from "../formats/modelCard";
import { openStoredZip } from "../formats/storedZip";
import { getAdapter } from "../storage/adapters";
import { type BigFiles, opfsBigFiles } from "../storage/bigFiles";
import { exportsFolder } from "../storage/exports";
import { type Files, opfs } from "../storage/files";
import { getModelRecord } from "../storage/models";
import type { RunStore } from "../storage/runStore";
import { readTrained, type Trained } from "./adapterLibrary";
import { type ExportInputs, exportChoices, newExport } from "./exportFormats";
import type { ImportProgress } from "./importModel";
import type { LoadedModel } from "./loadModel";
import type { ReadAsset } from "./loadSource";
import type { ModelLibrary } from "./modelLibrary";
import type { ModelFiles } from "./openModel";
import { newProofPrompts, proveExport } from "./proveExport";
import type { RecipeSource } from "./recipeSource";
import { writeExport } from "./writeExport";

/** Where trained things, bases and rows are had from. */
export type ExportHost = {
  store: RunStore;
  library: Pick<ModelLibrary, "know" | "filesOf">;
  source: Pick<RecipeSource, "load">;
  readAsset: ReadAsset;
  files?: Files;
  bigFiles?: BigFiles;
};

/** What the base is called in files: its repository, where it has one. */
async function nameOfBase(model: string): Promise<string> {
  if (model === "embedded") return embeddedBaseName;
  const { name, origin } = await getModelRecord(model as ModelId);
  return origin.kind === "hub" ? origin.repository : name;
}

/** How a library's adapter is asked; of how it was trained its record knows nothing. */
const recipeOfLibrary = ({ name, model, template, adaptation }: Trained): Recipe => ({
  ...newRecipe(),
  name: name.slice(0, 120),
  model,
  template,
  adaptation,
});

async function openTrained(id: TrainedId, host: ExportHost): Promise<ExportInputs & { trained: Trained }> {
  const { store, library, readAsset, files = opfs } = host;
  const trained = await readTrained(id, store, files);
  const { name, model, adaptation, tensors, dimensions } = trained;
  const [{ open }, baseName] = await Promise.all([library.know(model), nameOfBase(model)]);
  const common = {
    open,
    adapter: { adaptation, tensors, ...(dimensions ? { dimensions } : {}) },
    baseName,
    name,
    readAsset,
    trained,
  };
  if (id.startsWith("adapter:")) {
    const card = newLibraryCard(await getAdapter(id as AdapterId), baseName);
    return { ...common, recipe: recipeOfLibrary(trained), card };
  }
  const { recipe, before, after } = await store.getRun(id as RunId);
  return { ...common, recipe, card: newModelCard({ recipe, baseName, before, after }) };
}

/** A name as files can have it. */
const fileNameOf = (name: string) =>
  name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replaceAll(/^[-.]+|-+$/g, "") || "adapter";

/**
 * Which forms can carry it, why others cannot, and what each takes. A form that turns out unable while its files are laid
 * out is told as such.
 */
export async function describeExports(id: TrainedId, host: ExportHost): Promise<ExportOffer> {
  const inputs = await openTrained(id, host);
  const choices = exportChoices(inputs.adapter.adaptation, inputs.open, inputs.recipe.template);
  const sizes: ExportOffer["sizes"] = [];
  const reasons = new Map<string, Said>();
  for (const kind of exportKinds) {
    if (choices.find((choice) => choice.kind === kind)?.reason !== null) continue;
    for (const format of formatsOf[kind]) {
      try {
        const { files } = await newExport(format, inputs);
        sizes.push({ format, bytes: files.reduce((sum, { size }) => sum + size, 0) });
      } catch (error) {
        if (!(error instanceof StudioError) || error.code === "bug") throw error;
        reasons.set(kind, error.detail ?? say`${error.message}`);
      }
    }
  }
  return {
    choices: choices.map((choice) => {
      const reason = reasons.get(choice.kind);
      return reason ? { ...choice, reason, instead: "anneal" } : choice;
    }),
    sizes: sizes.filter(({ format }) => !reasons.has(format.kind)),
  };
}

/**
 * Writes it to the browser's private file system, where it lies until the next one is made. Throws `adapter.invalid` where
 * the form cannot carry it, `storage.full`, and the signal's reason when aborted.
 */
export async function exportTrained(
  id: TrainedId,
  format: ExportFormat,
  host: ExportHost,
  told: { signal: AbortSignal; onProgress: (progress: ImportProgress) => void },
): Promise<MadeExport> {
  const inputs = await openTrained(id, host);
  const { files, notes } = await newExport(format, inputs);
  const made = await writeExport(files, told, host.bigFiles);
  const kind = format.kind === "peft" ? "" : `-${formatKey(format)}`;
  return { name: `${fileNameOf(inputs.name)}${kind}.zip`, ...made, notes };
}

/** An export's zip as a folder that readers open. Throws `storage.failed` where it has been replaced by another. */
async function openExported(path: string, files: BigFiles = opfsBigFiles): Promise<ModelFiles> {
  const source = path.startsWith(`${exportsFolder}/`) ? await files.open(path) : null;
  if (!source) throw new StudioError("storage.failed", say`The export is gone: another one has taken its place`);
  const entries = await openStoredZip(source);
  return {
    name: "export",
    list: () => Promise.resolve([...entries.keys()]),
    open: (file) => Promise.resolve(entries.get(file) ?? null),
  };
}

/** The recipe's own held-out rows; the embedded ones where its data set is gone. */
async function promptsOf(
  recipe: Recipe,
  open: Awaited<ReturnType<ModelLibrary["know"]>>,
  host: ExportHost,
  signal: AbortSignal,
) {
  const make = async (asked: Recipe) => newProofPrompts(await host.source.load(asked, signal), asked, open.tokenizer);
  try {
    return await make(recipe);
  } catch (error) {
    if (!(error instanceof StudioError) || error.code !== "dataset.missing") throw error;
    return make({ ...recipe, data: newRecipe().data });
  }
}

/**
 * Reads the file back and holds it to what was trained, on the device that is open. `loadBase` answers the base that is on
 * it. Throws what reading the file throws.
 */
export async function proveTrained(
  { id, format, file }: { id: TrainedId; format: ExportFormat; file: string },
  host: ExportHost,
  {
    loadBase,
    turns,
    signal,
  }: { loadBase: (trained: Trained) => Promise<LoadedModel>; turns: Turns; signal: AbortSignal },
): Promise<ExportProof> {
  const { trained, recipe } = await openTrained(id, host);
  const exported = await openExported(file, host.bigFiles);
  const prompts = await promptsOf(recipe, await host.library.know(trained.model), host, signal);
  const loaded = await loadBase(trained);
  const base = await host.library.filesOf(trained.model);
  const { adaptation, tensors, precision } = trained;
  const adapter = { adaptation, tensors };
  return turns(() => proveExport({ format, exported, base, precision, adapter, prompts, loaded, signal }));
}

/** @file `ablate`: a recipe in several variants with several seeds, run after run, and a table of what they are worth. */

import path from "node:path";
import {
  type Ablation,
  extendAblation,
  newAblation,
  parseVariants,
  recipeOfCell,
  type Variant,
  withCell,
} from "../core/ablation";
import { isBase, variantOfWord } from "../core/ablationVariants";
import { StudioError } from "../core/errors";
import { quickstartNames, type Recipe } from "../core/recipe";
import { needsMending, newRun, type Run } from "../core/run";
import { say, textOf } from "../core/say";
import { newTurns } from "../core/turns";
import { type Controls, newControls } from "../jobs/controls";
import { type LoadedModel, loadModel, unloadModel } from "../jobs/loadModel";
import { planRecipe } from "../jobs/planRecipe";
import { type Lengths, measureLengths } from "../jobs/planRows";
import { noSpeeds } from "../jobs/planTime";
import { type Source, splitSource } from "../jobs/prepareData";
import { type RunInputs, runTraining } from "../jobs/runTraining";
import type { Device } from "../kernels/device";
import { newAblationMarkdown } from "../scoring/ablationText";
import { newNodeRunStore } from "../storage/node/nodeRunStore";
import { newProgress } from "./ablateProgress";
import { type AblationFolder, openAblationFolder } from "./ablationFolder";
import { parseArguments, required } from "./arguments";
import { modelFiles, openBackend, readJsonFile } from "./host";
import { newOutput, type Output } from "./output";
import { changesRecipe, recipeFlags, recipeFromFlags } from "./recipeFromFlags";
import { loadRecipeSource, newInterrupt } from "./train";

const { seed: _, ...recipeFlagsButSeed } = recipeFlags;
const flagKinds = {
  ...recipeFlagsButSeed,
  "final-rows": "number",
  methods: "text",
  variants: "text",
  seeds: "text",
  out: "text",
  backend: "text",
  json: "flag",
  quiet: "flag",
} as const;

type Given = ReturnType<typeof parseArguments<typeof flagKinds>>["flags"];

/** Answers the exit code: 0 all done, 1 a run failed, 130 stopped by Ctrl-C. */
export async function ablate(words: string[]): Promise<number> {
  const { positional, flags } = parseArguments(words, flagKinds, 1);
  const output = newOutput({ json: flags.json === true, quiet: flags.quiet === true });
  const begun = performance.now();
  const out = required("out", flags.out);
  const folder = await openAblationFolder(out);
  try {
    const ablation = await findAblation(folder, path.basename(path.resolve(out)), positional[0], flags);
    await folder.write(ablation);
    const device = await openBackend(flags.backend);
    output.note(
      `${device.backend}, ${device.threads} thread${device.threads === 1 ? "" : "s"}: ${textOf(device.reason)}`,
    );
    const code = await runAll(ablation, folder, device, output);
    const ended = (await folder.read()) ?? ablation;
    const table = await folder.writeResults(ended);
    output.result(
      { event: "done", seconds: (performance.now() - begun) / 1000, rows: table.rows },
      newAblationMarkdown(ended, table),
    );
    output.note(`The table is in ${path.join(out, "results.md")}.`);
    return code;
  } finally {
    await folder.release();
  }
}

/** The folder's ablation, with what the flags add to it; or a new one. */
async function findAblation(
  folder: AblationFolder,
  name: string,
  source: string | undefined,
  flags: Given,
): Promise<Ablation> {
  const old = await folder.read();
  if (source === undefined) {
    if (!old) throw new StudioError("cli.usage", say`ablate needs RECIPE.json, ${quickstartNames.join(" or ")}`);
    const extra = ["methods", "variants", "seeds", "final-rows"].some((flag) => flag in flags);
    if (extra || changesRecipe(flags)) {
      throw new StudioError("cli.usage", say`To add to the comparison in --out, name its recipe again`);
    }
    return old;
  }
  const recipe = await recipeFromFlags(source, flags);
  if (flags["final-rows"] !== undefined) recipe.evaluation.finalRows = flags["final-rows"];
  const variants = await variantsFrom(recipe, flags);
  const seeds = (flags.seeds ?? "1").split(",").map((word) => (/^\d{1,10}$/.test(word.trim()) ? Number(word) : word));
  const wish = { name, recipe, variants, seeds: seeds as number[] };
  return old ? extendAblation(old, wish) : newAblation(wish);
}

async function variantsFrom(recipe: Recipe, flags: Given): Promise<Variant[]> {
  const words = flags.methods === undefined ? [] : flags.methods.split(",").map((word) => word.trim());
  const named = words.map((word) => variantOfWord(recipe, word));
  const read = flags.variants === undefined ? [] : parseVariants(await readJsonFile(flags.variants));
  const variants = [...named, ...read.map(withAbsolutePaths)];
  if (variants.length === 0) throw new StudioError("cli.usage", say`--methods or --variants is missing`);
  return variants;
}

/** So that the comparison can be gone on with from another folder. */
function withAbsolutePaths(variant: Variant): Variant {
  const data = variant.changes["data"];
  if (typeof data !== "object" || data === null) return variant;
  const entries = Object.entries(data as Record<string, unknown>).map(([key, value]) => {
    const isFile =
      (key === "source" || key === "evaluationSource") && typeof value === "string" && value !== "embedded";
    return [key, isFile ? path.resolve(value) : value];
  });
  return { ...variant, changes: { ...variant.changes, data: Object.fromEntries(entries) as unknown } };
}

/** What is kept between runs: one base, and the rows of one data set. */
type Held = {
  device: Device;
  model: { key: string; loaded: LoadedModel } | null;
  source: { key: string; source: Source } | null;
  lengths: { key: string; found: Lengths } | null;
};

async function modelFor(held: Held, { model, precision }: Recipe): Promise<LoadedModel> {
  const key = JSON.stringify([model, precision]);
  if (held.model?.key !== key) {
    if (held.model) unloadModel(held.model.loaded);
    held.model = null;
    held.model = { key, loaded: await loadModel(await modelFiles(model), { precision }) };
  }
  return held.model.loaded;
}

async function sourceFor(held: Held, recipe: Recipe): Promise<Source> {
  const key = JSON.stringify([recipe.data.source, recipe.data.evaluationSource]);
  if (held.source?.key !== key) held.source = { key, source: await loadRecipeSource(recipe) };
  return held.source.source;
}

/** Numbers trained, memory and file of the cell's variant; null where it does not fit its model, which its run then says. */
async function figuresOf(held: Held, recipe: Recipe): Promise<Ablation["figures"][string] | null> {
  try {
    const [model, source] = [await modelFor(held, recipe), await sourceFor(held, recipe)];
    const key = JSON.stringify([recipe.model, recipe.data, recipe.template, recipe.objective]);
    if (held.lengths?.key !== key) {
      const { signal } = new AbortController();
      const { train } = splitSource(source, recipe);
      held.lengths = { key, found: await measureLengths(train, recipe, model.tokenizer, signal) };
    }
    const available = Number.POSITIVE_INFINITY;
    const plan = planRecipe({
      recipe,
      model,
      source,
      lengths: held.lengths.found,
      available,
      speeds: noSpeeds,
    });
    const { trainedParameters, parameters, memory, fileBytes } = plan;
    const learns = !isBase(recipe);
    return { trained: learns ? trainedParameters : 0, parameters, memory: memory.needed, file: learns ? fileBytes : 0 };
  } catch (error) {
    if (error instanceof StudioError) return null;
    throw error;
  }
}

/** What came from outside while runs were trained: Ctrl-C, a lost device. */
type Asked = { toStop: () => boolean; isLost: () => boolean; train: (controls: Controls) => void; leave: () => void };

function newAsked(device: Device, output: Output): Asked {
  let isStopped = false;
  let isLost = false;
  let training: Controls | null = null;
  const interrupt = newInterrupt(() => {
    output.note("Stopping after this step; a checkpoint is kept. Ctrl-C again ends at once.");
    isStopped = true;
    training?.stop(true);
  });
  void device.lost.then(() => {
    isLost = true;
  });
  const train = (controls: Controls) => {
    training = controls;
  };
  return { toStop: () => isStopped, isLost: () => isLost, train, leave: interrupt.leave };
}

async function runAll(begun: Ablation, folder: AblationFolder, device: Device, output: Output): Promise<number> {
  let ablation = begun;
  let failed = 0;
  const asked = newAsked(device, output);
  const held: Held = { device, model: null, source: null, lengths: null };
  const progress = newProgress(output);
  try {
    const cells = ablation.cells.filter(({ isLeftOut }) => !isLeftOut);
    for (const [i, cell] of cells.entries()) {
      const found = await folder.readRun(ablation, cell);
      const recipe = recipeOfCell(ablation, cell);
      if (found?.status === "done" && ablation.figures[cell.variant]) continue;
      const figures = ablation.figures[cell.variant] ?? (await figuresOf(held, recipe));
      const run = found ?? newRun(recipe, recipe.name);
      ablation = withCell(ablation, cell, { run: run.id });
      if (figures) ablation = { ...ablation, figures: { ...ablation.figures, [cell.variant]: figures } };
      await folder.write(ablation);
      if (run.status === "done") continue;
      if (asked.toStop()) return 130;
      const controls = newControls();
      asked.train(controls);
      progress.begin(cell, run, i + 1, cells.length);
      const ended = await runCell(run, folder.runFolder(cell), held, controls, (event) => {
        progress.tell(cell, run, event);
      });
      progress.end(cell, ended);
      await folder.writeResults(ablation);
      if (ended.status === "failed" || needsMending(ended)) failed++;
      if (asked.isLost())
        throw new StudioError(
          "gpu.lost",
          say`The device is gone after ${cell.variant}, seed ${cell.seed}: run the command again to go on`,
        );
      if (asked.toStop()) return 130;
    }
    return failed > 0 ? 1 : 0;
  } finally {
    asked.leave();
    if (held.model) unloadModel(held.model.loaded);
  }
}

/** Trains one cell to its end. A failure is the run's, not the command's. */
function runCell(run: Run, dir: string, held: Held, controls: Controls, emit: RunInputs["emit"]): Promise<Run> {
  return runTraining({
    run,
    store: newNodeRunStore(dir),
    backend: held.device.backend,
    loadModel: () => modelFor(held, run.recipe),
    loadSource: () => sourceFor(held, run.recipe),
    controls,
    turns: newTurns(),
    lost: held.device.lost,
    emit,
  });
}

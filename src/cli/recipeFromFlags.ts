/** @file The recipe a command line asks for: a file or one of the quickstarts, changed by flags. */

import path from "node:path";
import { StudioError } from "../core/errors";
import { recipeForModel } from "../core/modelRecipe";
import { parseRecipe, type QuickstartName, quickstarts, type Recipe } from "../core/recipe";
import { say } from "../core/say";
import { describeModel } from "../jobs/describeModel";
import { inspectFile } from "../jobs/inspectFile";
import { openModel } from "../jobs/openModel";
import type { Arguments } from "./arguments";
import { modelFiles, openFile, readJsonFile } from "./host";

export const recipeFlags = {
  model: "text",
  data: "text",
  eval: "text",
  steps: "number",
  seed: "number",
  start: "text",
  "eval-rows": "number",
  "shuffle-answers": "flag",
} as const;

type Given = Arguments<typeof recipeFlags>["flags"];

/** Throws `recipe.invalid`, also for what a flag makes of it. */
export async function recipeFromFlags(source: string, flags: Given): Promise<Recipe> {
  const isQuickstart = Object.hasOwn(quickstarts, source);
  const recipe = isQuickstart
    ? await newRecipeFor(flags.model, source as QuickstartName)
    : parseRecipe(await readJsonFile(source));
  if (flags.model !== undefined) recipe.model = absolute(flags.model);
  if (flags.data !== undefined) {
    recipe.data.source = absolute(flags.data);
    const { mapping } = flags.data === "embedded" ? { mapping: null } : await inspectFile(await openFile(flags.data));
    if (mapping?.format === "text" && isQuickstart) {
      recipe.template = { prompt: "{prompt}", completion: "{completion}" }; // running text is no question
    }
  }
  if (flags.eval !== undefined) recipe.data.evaluationSource = absolute(flags.eval);
  if (flags.start !== undefined) {
    recipe.start = path.resolve(flags.start);
    delete recipe.sftFirst; // that is behind it
  }
  if (flags.seed !== undefined) recipe.seed = flags.seed;
  if (flags["shuffle-answers"]) recipe.data.shuffleAnswers = true;
  if (flags.steps !== undefined) {
    if (flags.steps < 1) throw new StudioError("cli.usage", say`--steps is at least 1`);
    const { schedule } = recipe;
    schedule.warmupSteps = Math.round((schedule.warmupSteps * flags.steps) / schedule.steps); // the curve's shape stays
    schedule.steps = flags.steps;
  }
  if (flags["eval-rows"] !== undefined) {
    recipe.evaluation.rows = flags["eval-rows"];
  }
  return parseRecipe(recipe);
}

/** An embedded recipe, or as it suits another model: in its own chat template, with settings for its size. */
export async function newRecipeFor(model = "embedded", name: QuickstartName = "quickstart"): Promise<Recipe> {
  const recipe = quickstarts[name]();
  if (model === "embedded") return recipe;
  return recipeForModel(recipe, model, await describeModel(await openModel(await modelFiles(model))));
}

/** So that a run can be resumed from another folder. */
const absolute = (name: string) => (name === "embedded" ? name : path.resolve(name));

/** Whether any flag would change the recipe. */
export const changesRecipe = (flags: Given) => Object.keys(recipeFlags).some((name) => name in flags);

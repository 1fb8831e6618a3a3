/** @file `evaluate`: how many of a file's problems a model solves. */

import type { Example } from "../core/dataset";
import { parseRecipe } from "../core/recipe";
import { newTurns } from "../core/turns";
import { type Evaluation, evaluate as evaluateModel } from "../jobs/evaluate";
import { loadModel, unloadModel } from "../jobs/loadModel";
import { readEmbedded, readExamples } from "../jobs/loadSource";
import { disposeAdapter, loadAdapter } from "../model/adapter";
import { parseArguments, required } from "./arguments";
import { modelFiles, openBackend, openFile, readAsset, readJsonFile } from "./host";
import { readAdapterFolder } from "./loadAdapter";
import { newOutput, percent } from "./output";
import { newRecipeFor } from "./recipeFromFlags";

const flagKinds = {
  model: "text",
  adapter: "text",
  data: "text",
  limit: "number",
  shots: "number",
  "shots-from": "text",
  "max-tokens": "number",
  recipe: "text",
  seed: "number",
  backend: "text",
  json: "flag",
  quiet: "flag",
} as const;

/** `embedded` and `unseen` are the held-out sets that ship with the studio; anything else is a file. */
async function readProblems(name: string): Promise<Example[]> {
  if (name === "embedded") return readEmbedded(readAsset, "heldout");
  if (name === "unseen") return readEmbedded(readAsset, "unseen");
  return (await readExamples(await openFile(name))).examples;
}

export async function evaluate(words: string[]): Promise<number> {
  const { flags } = parseArguments(words, flagKinds, 0);
  const output = newOutput({ json: flags.json === true, quiet: flags.quiet === true });
  const begun = performance.now();
  const data = required("data", flags.data);
  const isEmbedded = data === "embedded" || data === "unseen";
  const all = await readProblems(data);
  const examples = flags.limit ? all.slice(0, flags.limit) : all;
  const shots = flags.shots ?? 0;
  const from = flags["shots-from"];
  const pool =
    shots === 0 ? [] : from === undefined ? await readEmbedded(readAsset, "train") : await readProblems(from);
  const recipe =
    flags.recipe === undefined ? await newRecipeFor(flags.model) : parseRecipe(await readJsonFile(flags.recipe));
  const files = await modelFiles(required("model", flags.model));
  await openBackend(flags.backend);
  const model = await loadModel(files);
  const saved = flags.adapter === undefined ? null : await readAdapterFolder(flags.adapter, model.config);
  const adapter = saved ? loadAdapter(model.llama, saved.adaptation, saved.tensors) : null;
  const steps = evaluateModel({
    model,
    adapter,
    examples,
    recipe: { template: recipe.template, seed: flags.seed ?? recipe.seed },
    maxTokens: flags["max-tokens"] ?? (isEmbedded ? recipe.evaluation.maxTokens : 256),
    shots,
    pool,
    turns: newTurns(),
    signal: new AbortController().signal,
  });
  let next = await steps.next();
  while (!next.done) next = await steps.next();
  const seconds = (performance.now() - begun) / 1000;
  output.result({ event: "eval", ...next.value.metrics, too_long: next.value.tooLong }, describe(next.value));
  if (output.json) output.result({ event: "done", seconds }, "");
  if (adapter) disposeAdapter(adapter);
  unloadModel(model);
  return 0;
}

function describe({ metrics, tooLong }: Evaluation): string {
  const lines: [string, string | null][] = [
    ["problems", String(metrics.n)],
    ["too long, not asked", tooLong > 0 ? String(tooLong) : null],
    ["strict", metrics["gsm8k/strict"] === null ? null : percent(metrics["gsm8k/strict"])],
    ["  standard error", metrics["gsm8k/stderr"] === null ? null : percent(metrics["gsm8k/stderr"])],
    ["flexible", metrics["gsm8k/flexible"] === null ? null : percent(metrics["gsm8k/flexible"])],
    ["exact match", metrics.exact_match === null ? null : percent(metrics.exact_match)],
    ["steps that are right", metrics["steps/valid"] === null ? null : percent(metrics["steps/valid"])],
    ["loss", metrics["eval/loss"]?.toFixed(4) ?? null],
  ];
  return lines.flatMap(([name, value]) => (value === null ? [] : `${name.padEnd(22)}${value}`)).join("\n");
}

/** @file `generate`: a model goes on from a prompt. */

import { StudioError } from "../core/errors";
import { parseRecipe } from "../core/recipe";
import { say } from "../core/say";
import { newTurns } from "../core/turns";
import { answer } from "../jobs/generate";
import { loadModel, stoppingAt, unloadModel } from "../jobs/loadModel";
import { disposeAdapter, loadAdapter } from "../model/adapter";
import { parseArguments, required } from "./arguments";
import { modelFiles, openBackend, readJsonFile } from "./host";
import { readAdapterFolder } from "./loadAdapter";
import { newOutput } from "./output";
import { newRecipeFor } from "./recipeFromFlags";

const flagKinds = {
  model: "text",
  adapter: "text",
  prompt: "text",
  question: "text",
  recipe: "text",
  "max-tokens": "number",
  temperature: "text",
  "min-p": "text",
  seed: "number",
  backend: "text",
  json: "flag",
  quiet: "flag",
} as const;

/** `--prompt` is taken as it stands; `--question` is put into the recipe's template, as in training. */
export async function generate(words: string[]): Promise<number> {
  const { flags } = parseArguments(words, flagKinds, 0);
  const output = newOutput({ json: flags.json === true, quiet: flags.quiet === true });
  const isQuestion = flags.question !== undefined;
  const prompt = isQuestion ? flags.question : flags.prompt;
  const temperature = Number(flags.temperature ?? "0");
  if (!(temperature >= 0 && temperature <= 10)) throw new StudioError("cli.usage", say`--temperature is from 0 to 10`);
  const minP = Number(flags["min-p"] ?? "0");
  if (!(minP >= 0 && minP <= 1)) throw new StudioError("cli.usage", say`--min-p is from 0 to 1`);
  const files = await modelFiles(required("model", flags.model));
  const text = required("prompt", prompt);
  const recipe =
    flags.recipe === undefined ? await newRecipeFor(flags.model) : parseRecipe(await readJsonFile(flags.recipe));
  await openBackend(flags.backend);
  const loaded = await loadModel(files);
  const model = isQuestion ? stoppingAt(loaded, recipe.template) : loaded;
  const saved = flags.adapter === undefined ? null : await readAdapterFolder(flags.adapter, model.config);
  const adapter = saved ? loadAdapter(model.llama, saved.adaptation, saved.tensors) : null;
  const pieces = answer({
    model,
    adapter,
    prompt: text,
    template: isQuestion ? recipe.template.prompt : "{prompt}",
    maxTokens: flags["max-tokens"] ?? 256,
    sampling: { temperature, topK: 0, topP: 1, minP, seed: flags.seed ?? 1 },
    turns: newTurns(),
    signal: new AbortController().signal,
  });
  let next = await pieces.next();
  for (; !next.done; next = await pieces.next()) {
    if (!output.json) process.stdout.write(next.value);
  }
  if (output.json) output.result({ event: "done", text: next.value.text, tokens: next.value.tokens }, "");
  else process.stdout.write("\n");
  if (adapter) disposeAdapter(adapter);
  unloadModel(model);
  return 0;
}

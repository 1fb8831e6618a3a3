/** @file `export`: a base, or what was trained on it, in the form that another program reads, proved where asked. */

import path from "node:path";
import { embeddedBaseName } from "../core/adapterRecord";
import { StudioError } from "../core/errors";
import { type ExportFormat, type ExportProof, type GgufWeightType, ggufWeightTypes } from "../core/exportFormat";
import type { Recipe } from "../core/recipe";
import { parseRecipe } from "../core/recipe";
import { say, textOf } from "../core/say";
import { newModelCard } from "../formats/modelCard";
import type { AdapterFiles } from "../jobs/adapterFiles";
import { newExport } from "../jobs/exportFormats";
import { exportModel, type StreamedFile } from "../jobs/exportModel";
import { loadEmbeddedSource, readExamples } from "../jobs/loadSource";
import { openModel, openTokenizer } from "../jobs/openModel";
import { newProofPrompts, proveExport } from "../jobs/proveExport";
import { parseArguments, required } from "./arguments";
import { modelFiles, openBackend, openFile, readAsset, readFileOrNull, readJsonFile, writeStreams } from "./host";
import { readAdapterFolder } from "./loadAdapter";
import { newOutput, type Output, percent } from "./output";
import { newRecipeFor } from "./recipeFromFlags";

const flagKinds = {
  model: "text",
  adapter: "text",
  format: "text",
  type: "text",
  dtype: "text",
  recipe: "text",
  data: "text",
  prove: "flag",
  backend: "text",
  out: "text",
  json: "flag",
  quiet: "flag",
} as const;

type Flags = ReturnType<typeof parseArguments<typeof flagKinds>>["flags"];

const formats = ["hf", "merged", "peft", "anneal", "gguf", "gguf-adapter", "loar"] as const;

function parseFormat({ format, dtype = "float32", type = "F16" }: Flags): ExportFormat | "hf" {
  const kind = formats.find((name) => name === required("format", format));
  if (!kind) throw new StudioError("cli.usage", say`--format is one of ${formats.join(", ")}`);
  if (dtype !== "float32" && dtype !== "float16")
    throw new StudioError("cli.usage", say`--dtype is float32 or float16`);
  if (kind === "merged") return { kind, dtype };
  if (kind !== "gguf") return kind === "hf" ? kind : { kind };
  const known = ggufWeightTypes.find((name): name is GgufWeightType => name === type);
  if (!known) throw new StudioError("cli.usage", say`--type is one of ${ggufWeightTypes.join(", ")}`);
  return { kind, type: known };
}

export async function exportFiles(words: string[]): Promise<number> {
  const { flags } = parseArguments(words, flagKinds, 0);
  const output = newOutput({ json: flags.json === true, quiet: flags.quiet === true });
  const format = parseFormat(flags);
  const out = required("out", flags.out);
  if (format === "hf" && (flags.adapter !== undefined || flags.prove)) {
    throw new StudioError("cli.usage", say`--format hf is the base alone; the others take --adapter`);
  }
  const files = await modelFiles(required("model", flags.model));
  const open = await openModel(files);
  if (format === "hf") {
    const dtype = flags.dtype === "float16" ? "float16" : "float32";
    await write(await exportModel(open, null, dtype), out, output);
    return 0;
  }
  const folder = required("adapter", flags.adapter);
  const adapter = await readAdapterFolder(folder, open.config);
  const recipe = await readRecipe(flags, folder, adapter);
  const baseName = flags.model === "embedded" ? embeddedBaseName : open.name;
  const card = newModelCard({ recipe, before: null, after: null, baseName });
  const made = await newExport(format, { open, adapter, recipe, baseName, name: recipe.name, card, readAsset });
  for (const note of made.notes) output.note(textOf(note));
  await write(made.files, out, output);
  if (!flags.prove) return 0;
  await openBackend(flags.backend);
  const prompts = await newProofPrompts(await readSource(flags, recipe), recipe, openTokenizer(open));
  const proof = await proveExport({
    format,
    exported: await modelFiles(out),
    base: files,
    precision: recipe.precision,
    adapter,
    prompts,
    signal: new AbortController().signal,
  });
  output.result({ event: "proof", ...proof }, describe(proof));
  return proof.isGood ? 0 : 1;
}

async function write(files: readonly StreamedFile[], out: string, output: Output): Promise<void> {
  await writeStreams(out, files);
  output.result({ event: "done", files: files.map(({ path }) => path) }, `Written to ${out}`);
}

/** The recipe named, else the one beside the adapter, else what is usual for the base; its methods are the adapter's. */
async function readRecipe(flags: Flags, folder: string, { adaptation }: AdapterFiles): Promise<Recipe> {
  const beside = path.join(folder, "recipe.json");
  const file = flags.recipe ?? ((await readFileOrNull(beside)) ? beside : undefined);
  const recipe = file === undefined ? await newRecipeFor(flags.model) : parseRecipe(await readJsonFile(file));
  return { ...recipe, adaptation };
}

/** Throws `cli.usage` where the recipe's rows are not to be had. */
async function readSource({ data }: Flags, recipe: Recipe) {
  const source = data ?? recipe.data.source;
  if (source === "embedded") return loadEmbeddedSource(readAsset);
  if (data === undefined && !(await readFileOrNull(source))) {
    throw new StudioError(
      "cli.usage",
      say`--prove needs rows: the recipe's ${source} is not here, name others with --data`,
    );
  }
  return { examples: (await readExamples(await openFile(source))).examples, heldout: null };
}

function describe({ prompts, places, largestDifference, relative, agreement, bound, isGood }: ExportProof): string {
  return [
    `${isGood ? "Proved" : "NOT what was trained"} on ${prompts} prompts, ${places} places:`,
    `largest difference of a logit ${largestDifference.toExponential(2)},`,
    `relative ${relative.toExponential(2)} (bound ${bound.relative}),`,
    `the likeliest token is the same at ${percent(agreement)} (bound ${percent(bound.agreement)})`,
  ].join(" ");
}

/** @file `inspect`: what a data set or a model is, before anything is done with it. */

import { stat } from "node:fs/promises";
import path from "node:path";
import type { RowPreview } from "../core/engine";
import { StudioError } from "../core/errors";
import { newRecipe } from "../core/recipe";
import { say, textOf } from "../core/say";
import { toExample } from "../data/example";
import { openRows } from "../data/import/readRows";
import { parseSafetensors } from "../formats/safetensors";
import { describeModel } from "../jobs/describeModel";
import { inspectFile } from "../jobs/inspectFile";
import { openModel, openTokenizer } from "../jobs/openModel";
import { previewRow } from "../jobs/previewRow";
import { parseArguments } from "./arguments";
import { modelFiles, openFile, readFileOrNull } from "./host";
import { newOutput, type Output } from "./output";

const flagKinds = { json: "flag", quiet: "flag", model: "text" } as const;
const shownRows = 3;

export async function inspect(words: string[]): Promise<number> {
  const { positional, flags } = parseArguments(words, flagKinds, 1);
  const output = newOutput({ json: flags.json === true, quiet: flags.quiet === true });
  const [name] = positional;
  if (name === undefined) throw new StudioError("cli.usage", say`inspect needs a file or a model's folder`);
  const found = name === "embedded" ? null : await stat(name).catch(() => null);
  if (name !== "embedded" && !found) throw new StudioError("file.unreadable", say`${name} does not exist`);
  if (name === "embedded" || found?.isDirectory() || name.endsWith(".gguf")) await inspectModel(name, output);
  else if (name.endsWith(".safetensors")) await inspectTensors(name, output);
  else await inspectDataset(name, flags.model ?? "embedded", output);
  return 0;
}

async function inspectModel(name: string, output: Output): Promise<void> {
  const open = await openModel(await modelFiles(name));
  const { config } = open;
  const { parameters, deviceBytes: memory, types, licence, template, templateProblem } = await describeModel(open);
  const weights = await open.weights();
  const tensors = [...weights.tensors].map(([tensor, { shape, type }]) => ({ name: tensor, dtype: type, shape }));
  const kinds = types.map(([type, count]) => `${count} × ${type}`).join(", ");
  output.result(
    {
      event: "inspect",
      kind: "model",
      container: open.container,
      config,
      parameters,
      tensors,
      memory,
      licence,
      template,
    },
    [
      `${config.architecture}, ${parameters.toLocaleString("en")} parameters, ${(memory / 2 ** 20).toFixed(1)} MiB on the device (${open.container}: ${kinds})`,
      `layers ${config.layers}, width ${config.hiddenSize}, heads ${config.heads}/${config.keyValueHeads}, ` +
        `vocabulary ${config.vocabSize}, context ${config.maxPositions}`,
      ...(template ? [`chat: ${JSON.stringify(template.prompt)} → ${JSON.stringify(template.completion)}`] : []),
      ...(templateProblem ? [`its chat template is not used: ${textOf(templateProblem)}`] : []),
      ...tensors.map((tensor) => `  ${tensor.name} ${tensor.dtype} [${tensor.shape.join(", ")}]`),
    ].join("\n"),
  );
}

async function inspectTensors(name: string, output: Output): Promise<void> {
  const bytes = await readFileOrNull(name);
  if (!bytes) throw new StudioError("file.unreadable", say`${name} does not exist`);
  const { tensors: found, metadata } = parseSafetensors(bytes);
  const tensors = [...found].map(([tensor, { dtype, shape }]) => ({ name: tensor, dtype, shape }));
  const parameters = [...found.values()].reduce((sum, { values }) => sum + values.length, 0);
  output.result(
    { event: "inspect", kind: "model", config: null, metadata, parameters, tensors, memory: 4 * parameters },
    tensors.map(({ name: tensor, dtype, shape }) => `${tensor} ${dtype} [${shape.join(", ")}]`).join("\n"),
  );
}

async function inspectDataset(name: string, modelName: string, output: Output): Promise<void> {
  const file = await openFile(name);
  const { container, columns, mapping, first } = await inspectFile(file);
  const open = await openModel(await modelFiles(modelName));
  const model = { config: open.config, tokenizer: openTokenizer(open) };
  let rows = 0;
  let badCount = 0;
  const bad: { line: number; reason: string }[] = [];
  for await (const { parsed } of (await openRows(file, file.name)).stretches()) {
    for (const item of parsed) {
      try {
        if (!("row" in item)) throw new StudioError("dataset.row", item.reason);
        toExample(item.row, mapping);
        rows++;
      } catch (error) {
        if (!(error instanceof StudioError)) throw error;
        badCount++;
        if (bad.length < 100) bad.push({ line: item.line, reason: error.message });
      }
    }
  }
  const recipe = newRecipe();
  if (mapping.format === "text") recipe.template = { prompt: "{prompt}", completion: "{completion}" };
  const previews: RowPreview[] = [];
  for (const row of first.slice(0, shownRows)) {
    try {
      previews.push(await previewRow(toExample(row, mapping), recipe, model));
    } catch (error) {
      if (!(error instanceof StudioError)) throw error; // else it is among the bad rows
    }
  }
  output.result(
    {
      event: "inspect",
      kind: "dataset",
      format: mapping.format,
      container,
      rows,
      columns,
      mapping,
      badCount,
      bad,
      first: previews,
    },
    [
      `${path.basename(name)}: ${mapping.format} (${container}), ${rows} rows, columns ${columns.join(", ")}`,
      ...bad.slice(0, 10).map(({ line, reason }) => `  line ${line}: ${reason}`),
      ...(badCount > 10 ? [`  … ${badCount} bad lines in all`] : []),
      ...previews.map(({ tokens }) => {
        const prompt = tokens.filter(({ trained }) => !trained);
        const trained = tokens.filter((token) => token.trained);
        const text = (list: typeof tokens) => list.map((token) => token.text).join("");
        return `\n${tokens.length} tokens, ${trained.length} trained\n${text(prompt)}⟦${text(trained)}⟧`;
      }),
    ].join("\n"),
  );
}

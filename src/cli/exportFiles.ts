/** @file `export`: a model as a Hugging Face folder, with an adapter merged in where one is given. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { exportModel } from "../jobs/exportModel";
import { openModel } from "../jobs/openModel";
import { parseArguments, required } from "./arguments";
import { modelFiles, writeStreams } from "./host";
import { readAdapterFolder } from "./loadAdapter";
import { newOutput } from "./output";

const flagKinds = {
  model: "text",
  adapter: "text",
  format: "text",
  dtype: "text",
  out: "text",
  json: "flag",
  quiet: "flag",
} as const;

export async function exportFiles(words: string[]): Promise<number> {
  const { flags } = parseArguments(words, flagKinds, 0);
  const output = newOutput({ json: flags.json === true, quiet: flags.quiet === true });
  const format = required("format", flags.format);
  const out = required("out", flags.out);
  const files = await modelFiles(required("model", flags.model));
  const dtype = flags.dtype ?? "float32";
  if (dtype !== "float32" && dtype !== "float16") {
    throw new StudioError("cli.usage", say`--dtype is float32 or float16`);
  }
  if (format !== "hf" && format !== "merged") throw new StudioError("cli.usage", say`--format is hf or merged`);
  if (format === "hf" && flags.adapter !== undefined) {
    throw new StudioError("cli.usage", say`--format hf is the base alone; --format merged takes --adapter`);
  }
  const model = await openModel(files);
  const adapter =
    format === "merged" ? await readAdapterFolder(required("adapter", flags.adapter), model.config) : null;
  const written = await exportModel(model, adapter, dtype);
  await writeStreams(out, written);
  output.result({ event: "done", files: written.map(({ path }) => path) }, `Written to ${out}`);
  return 0;
}

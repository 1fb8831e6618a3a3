/** @file Our GGUF files for the interop tests: `node scripts/bundle.mjs interop/ggufExport.ts COMMAND MODEL REQUEST OUT`. */

import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { modelFiles } from "../src/cli/host";
import { bytesSource } from "../src/core/byteSource";
import type { GgufWeightType } from "../src/core/exportFormat";
import { parseModelConfig } from "../src/core/model";
import { textOf } from "../src/core/say";
import { newGgufTokenizer } from "../src/data/ggufTokenizerOut";
import { openGguf } from "../src/formats/gguf";
import { type LoraModule, type LoraModules, newGgufAdapter, parseGgufAdapter } from "../src/formats/ggufAdapter";
import { newGgufModel } from "../src/formats/ggufModel";
import { copyGgufTokenizer, type GgufMetadata } from "../src/formats/ggufWriter";
import { newModelfile } from "../src/formats/modelfile";
import { parseSafetensors, writeSafetensors } from "../src/formats/safetensors";
import { type OpenModel, openModel } from "../src/jobs/openModel";

type Request = { types: GgufWeightType[]; peft: string | null; modelfile: Parameters<typeof newModelfile>[0] };

const readBytes = async (file: string) => new Uint8Array(await readFile(file));
const readJson = async (file: string) => JSON.parse(await readFile(file, "utf8")) as unknown;

/** A PEFT folder's modules with the scale that PEFT gives each: alpha / r, or alpha / √r, by pattern where there is one. */
async function readModules(folder: string): Promise<LoraModules> {
  const config = (await readJson(path.join(folder, "adapter_config.json"))) as {
    r: number;
    lora_alpha: number;
    use_rslora?: boolean;
    rank_pattern?: Record<string, number>;
    alpha_pattern?: Record<string, number>;
  };
  const { tensors } = parseSafetensors(await readBytes(path.join(folder, "adapter_model.safetensors")));
  const modules = new Map<string, LoraModule>();
  for (const [name, a] of tensors) {
    const [, module] = /^base_model\.model\.(.+)\.lora_A\.weight$/.exec(name) ?? [];
    const b = tensors.get(name.replace("lora_A", "lora_B"));
    if (module === undefined || !b) continue;
    const of = (pattern: Record<string, number> = {}) =>
      Object.entries(pattern).find(([key]) => module.endsWith(`.${key}`))?.[1];
    const [rank, alpha] = [of(config.rank_pattern) ?? config.r, of(config.alpha_pattern) ?? config.lora_alpha];
    modules.set(module, { a, b, scale: alpha / (config.use_rslora ? Math.sqrt(rank) : rank) });
  }
  return modules;
}

/** Rows with scale · B · A added; Conv1D's lie across. */
function newRows({ config }: OpenModel, weights: Awaited<ReturnType<OpenModel["weights"]>>, modules: LoraModules) {
  return async (name: string, from: number, to: number) => {
    const rows = await weights.readRows(name, from, to);
    const module = modules.get(name.replace(/\.weight$/, ""));
    if (!module) return rows;
    const { a, b, scale } = module;
    const [[rank = 0, in_ = 0], [out = 0]] = [a.shape, b.shape];
    const isAcross = config.architecture === "gpt2";
    const width = isAcross ? out : in_;
    return rows.map((value, i) => {
      const [row, column] = [from + Math.floor(i / width), i % width];
      const [o, n] = isAcross ? [column, row] : [row, column];
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += (b.values[o * rank + r] ?? 0) * (a.values[r * in_ + n] ?? 0);
      return value + scale * sum;
    });
  };
}

async function readTokenizer(model: OpenModel, file: string): Promise<GgufMetadata> {
  if (model.container === "gguf")
    return copyGgufTokenizer((await openGguf(bytesSource(await readBytes(file), file))).metadata);
  const { config, tokenizerJson, tokenizerConfig, stopIds, chatTemplate } = model;
  return newGgufTokenizer({
    tokenizerJson,
    tokenizerConfig,
    vocabSize: config.vocabSize,
    bosTokenId: config.bosTokenId,
    eosTokenIds: [...new Set(stopIds)],
    chatTemplate: chatTemplate?.template ?? null,
  });
}

const commands: Record<string, (file: string, request: Request, out: string) => Promise<unknown>> = {
  /** The model in each of REQUEST's types, with a PEFT adapter merged in or none: OUT/TYPE.gguf. Answers the notes. */
  async model(file, { types, peft }, out) {
    const model = await openModel(await modelFiles(file));
    const modules = peft === null ? new Map<string, LoraModule>() : await readModules(peft);
    const rows = newRows(model, await model.weights(), modules);
    const tokenizer = await readTokenizer(model, file);
    await mkdir(out, { recursive: true });
    const notes = new Set<string>();
    for (const type of types) {
      const written = newGgufModel({ config: model.config, name: "interop", type, tokenizer, rows });
      const handle = await open(path.join(out, `${type}.gguf`), "w");
      for await (const part of written.bytes()) await handle.writeFile(part);
      const { size } = await handle.stat();
      await handle.close();
      if (size !== written.size) throw new Error(`${size} bytes were written, ${written.size} were said`);
      for (const note of written.notes) notes.add(textOf(note));
    }
    return [...notes];
  },

  /** A PEFT adapter for the model, as GGUF. */
  async adapter(file, { peft }, out) {
    const { config } = await openModel(await modelFiles(file));
    await writeFile(out, newGgufAdapter({ config, name: "interop", modules: await readModules(peft ?? "") }));
  },

  /** A GGUF adapter read for the configuration beside it, as safetensors: A, and B times its scale. */
  async read(file, { peft }, out) {
    const config = parseModelConfig(await readJson(peft ?? ""));
    const modules = await parseGgufAdapter(bytesSource(await readBytes(file), file), config);
    const tensors = [...modules].flatMap(([name, { a, b, scale }]) => [
      [`${name}.a`, a] as const,
      [`${name}.b`, { shape: b.shape, values: b.values.map((value) => value * scale) }] as const,
    ]);
    await writeFile(out, writeSafetensors(new Map(tensors)));
  },

  modelfile: async (_, { modelfile }, out) => writeFile(out, newModelfile(modelfile)),
};

const [, , command = "", file = "", requestFile = "", out = ""] = process.argv;
const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
if (!run) throw new Error(`No command ${command}; there are ${Object.keys(commands).join(", ")}`);
console.log(JSON.stringify((await run(file, (await readJson(requestFile)) as Request, out)) ?? null));

/** @file A reward model that PEFT wrote: read, asked for its rewards, and written again. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseModelConfig } from "../src/core/model";
import type { Dimension } from "../src/core/objective";
import type { Document } from "../src/data/mask";
import { parseSafetensors, writeSafetensors } from "../src/formats/safetensors";
import { newAdapterFiles, readAdapterFiles } from "../src/jobs/adapterFiles";
import { microBatches, newScoredBatch } from "../src/jobs/microBatches";
import { disposeAdapter, loadAdapter } from "../src/model/adapter";
import { disposeLlama, loadLlama } from "../src/model/llama";
import { tokenNumbers } from "../src/model/tokenNumbers";

export type RewardCase = {
  /** Folders: of the base, of PEFT's adapter, and for what comes of it. */
  base: string;
  adapter: string;
  out: string;
  rows: number[][];
  dimensions: Dimension[];
};

const documentOf = (tokens: number[]): Document => ({
  tokens,
  trained: new Uint8Array(tokens.length).fill(1),
  promptLength: 1,
  tooLong: false,
});

/** adapter/ as we write it, with names for its numbers; rewards.safetensors, [rows, D]; read.json, what was read. */
export async function runRewardCase({ base, adapter: folder, out, rows, dimensions }: RewardCase): Promise<void> {
  const bytesOf = async (...parts: string[]) => new Uint8Array(await readFile(path.join(...parts)));
  const config = parseModelConfig(JSON.parse(await readFile(path.join(base, "config.json"), "utf8")));
  const read = await readAdapterFiles((name) => bytesOf(folder, name).catch(() => null), config);
  const files = newAdapterFiles({ config, ...read, dimensions, baseName: base, card: "" });
  await mkdir(path.join(out, "adapter"), { recursive: true });
  for (const { path: name, bytes } of files) await writeFile(path.join(out, "adapter", name), bytes);

  const again = await readAdapterFiles((name) => bytesOf(out, "adapter", name).catch(() => null), config);
  const told = { adaptation: read.adaptation, before: read.dimensions ?? null, after: again.dimensions ?? null };
  await writeFile(path.join(out, "read.json"), JSON.stringify(told));

  const llama = loadLlama(config, parseSafetensors(await bytesOf(base, "model.safetensors")).tensors);
  const adapter = loadAdapter(llama, again.adaptation, again.tensors);
  const D = dimensions.length;
  const values = new Float32Array(rows.length * D);
  for (const { batch, places } of microBatches(rows.map(documentOf), 2).map(newScoredBatch)) {
    const wanted = { logProbabilities: false, scores: true };
    const { scores } = await tokenNumbers(llama, batch, { adapter, wanted });
    for (const [i, place] of places.entries()) values.set(scores.subarray(i * D, (i + 1) * D), place * D);
  }
  const rewards = new Map([["rewards", { shape: [rows.length, D], values }]]);
  await writeFile(path.join(out, "rewards.safetensors"), writeSafetensors(rewards));
  disposeAdapter(adapter);
  disposeLlama(llama);
}

/** @file A base, or a base with its adapter merged in, as a Hugging Face folder, written a few megabytes at a time. */

import type { ModelConfig } from "../core/model";
import type { WeightFormat } from "../core/packing";
import { isWritten, newHuggingFaceTexts } from "../formats/huggingFace";
import { newMerger, type ReadRows } from "../formats/merge";
import { planSafetensors, tensorBytes } from "../formats/safetensors";
import type { NamedFile } from "../formats/zip";
import type { AdapterFiles } from "./adapterFiles";
import { type OpenModel } from "./openModel";
import { readTrainedBase } from "./trainedBase";

/** A file whose bytes come little by little. */
export type StreamedFile = { path: string; size: number; bytes: () => AsyncGenerator<Uint8Array> };

/** A file that is in memory. */
export const streamed = ({ path, bytes }: NamedFile): StreamedFile => ({
  path,
  size: bytes.length,
  bytes: async function* () {
    yield await Promise.resolve(bytes);
  },
});

/** Numbers read at a time: 8 MB as f32. */
const numbersAtATime = 2 ** 21;

/**
 * The base's tensors; where there is an adapter, those that it was trained on under `precision`, merged with its own.
 * What the file holds beside the architecture's stays. Throws `adapter.invalid` as `newMerger` does.
 */
export async function openMerged(
  open: OpenModel,
  adapter: AdapterFiles | null,
  precision?: WeightFormat,
): Promise<{ config: ModelConfig; shapes: ReadonlyMap<string, readonly number[]>; rows: ReadRows }> {
  const weights = await open.weights();
  const merger = adapter && newMerger(open.config, adapter.adaptation, adapter.tensors);
  const own = [...weights.tensors].map(([name, { shape }]) => [name, shape] as const);
  return {
    config: merger?.config ?? open.config,
    shapes: new Map([...own, ...(merger?.shapes ?? [])]),
    rows: merger ? merger.rows(readTrainedBase(open.config, weights, precision)) : weights.readRows,
  };
}

/**
 * In f32 it is what the studio computes; f16 takes half the room and rounds each number to 11 bits.
 * Throws as the model's files or the adapter do not fit.
 */
export async function exportModel(
  open: OpenModel,
  adapter: AdapterFiles | null,
  dtype: "float16" | "float32" = "float32",
  precision?: WeightFormat,
): Promise<StreamedFile[]> {
  const { tokenizerJson, tokenizerConfig } = open;
  const { config, shapes: all, rows: readRows } = await openMerged(open, adapter, precision);
  const kind = dtype === "float16" ? "F16" : "F32";
  const named = [...all].filter(([name]) => isWritten(config, name));
  const shapes = new Map(named.map(([name, shape]) => [name, { shape, dtype: kind } as const]));
  const { head, order, size } = planSafetensors(shapes, { format: "pt" });

  async function* write(): AsyncGenerator<Uint8Array> {
    yield head;
    for (const name of order) {
      const [rows = 1, ...rest] = shapes.get(name)?.shape ?? [];
      const width = rest.reduce((product, n) => product * n, 1);
      const atATime = Math.max(1, Math.floor(numbersAtATime / width));
      for (let from = 0; from < rows; from += atATime) {
        yield tensorBytes(await readRows(name, from, Math.min(rows, from + atATime)), kind);
      }
    }
  }

  const texts = newHuggingFaceTexts({ config, tokenizerJson, tokenizerConfig, dtype });
  return [...texts.map(streamed), { path: "model.safetensors", size, bytes: write }];
}

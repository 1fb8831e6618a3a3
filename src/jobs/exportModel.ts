/** @file A base, or a base with its adapter merged in, as a Hugging Face folder, written a few megabytes at a time. */

import { isWritten, newHuggingFaceTexts, newMerger } from "../formats/huggingFace";
import { planSafetensors, tensorBytes } from "../formats/safetensors";
import type { AdapterFiles } from "./adapterFiles";
import { type OpenModel } from "./openModel";

/** A file whose bytes come little by little. */
export type StreamedFile = { path: string; size: number; bytes: () => AsyncGenerator<Uint8Array> };

/** Numbers read at a time: 8 MB as f32. */
const numbersAtATime = 2 ** 21;

/**
 * In f32 it is what the studio computes; f16 takes half the room and rounds each number to 11 bits.
 * Throws as the model's files or the adapter do not fit.
 */
export async function exportModel(
  open: OpenModel,
  adapter: AdapterFiles | null,
  dtype: "float16" | "float32" = "float32",
): Promise<StreamedFile[]> {
  const { config, tokenizerJson, tokenizerConfig } = open;
  const weights = await open.weights();
  const merge = adapter ? newMerger(config, adapter.adaptation, adapter.tensors) : null;
  const kind = dtype === "float16" ? "F16" : "F32";
  const named = [...weights.tensors].filter(([name]) => isWritten(config, name));
  const shapes = new Map(named.map(([name, { shape }]) => [name, { shape, dtype: kind } as const]));
  const { head, order, size } = planSafetensors(shapes, { format: "pt" });

  async function* write(): AsyncGenerator<Uint8Array> {
    yield head;
    for (const name of order) {
      const [rows = 1, ...rest] = shapes.get(name)?.shape ?? [];
      const width = rest.reduce((product, n) => product * n, 1);
      const atATime = Math.max(1, Math.floor(numbersAtATime / width));
      for (let from = 0; from < rows; from += atATime) {
        const values = await weights.readRows(name, from, Math.min(rows, from + atATime));
        yield tensorBytes(merge ? merge(name, from, values) : values, kind);
      }
    }
  }

  const texts = newHuggingFaceTexts({ config, tokenizerJson, tokenizerConfig, dtype });
  return [
    ...texts.map(({ path, bytes }) => ({
      path,
      size: bytes.length,
      bytes: async function* () {
        yield await Promise.resolve(bytes);
      },
    })),
    { path: "model.safetensors", size, bytes: write },
  ];
}

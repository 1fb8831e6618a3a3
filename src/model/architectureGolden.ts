/** @file The golden models of every architecture (interop/architectureGoldens.py) as the tests use them. */

import { type Lora, newMethod } from "../core/adaptation";
import { linearNamesOf } from "../core/adapter";
import type { Batch } from "../core/batch";
import { bytesSource } from "../core/byteSource";
import { parseModelConfig } from "../core/model";
import { openSafetensors } from "../formats/safetensors";
import { type Llama, readLlama, type TensorData } from "./llama";

export const goldenNames = [
  "llama3",
  "llamaBiases",
  "qwen2",
  "mistral",
  "qwen3",
  "phi3Short",
  "phi3Long",
  "gemma2",
  "gemma3",
  "gpt2",
] as const;

type Numbers = { shape: number[]; f32?: string; f16?: string };
export type Document = { tokens: number[]; weights: number[] };
export type Golden = {
  config: Record<string, unknown>;
  rows: Document[][];
  sequence: number[];
  logits: Numbers;
  greedy: number[];
  lora: {
    rank: number;
    alpha: number;
    loss: number;
    start: Record<string, Numbers>;
    gradients: Record<string, Numbers>;
  };
};

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

export function unpack({ shape, f32, f16 }: Numbers): TensorData {
  const { buffer } = Uint8Array.from(atob(f32 ?? f16 ?? ""), (character) => character.charCodeAt(0));
  return { shape, values: f32 ? new Float32Array(buffer) : Float32Array.from(new Uint16Array(buffer), fromHalf) };
}

export const unpackAll = (tensors: Record<string, Numbers>) =>
  new Map(Object.entries(tensors).map(([name, numbers]) => [name, unpack(numbers)]));

/** Documents packed into rows of one length, padded. */
export function batchOf(rows: Document[][]): Batch {
  const length = Math.max(...rows.map((row) => row.reduce((n, { tokens }) => n + tokens.length, 0))) + 2;
  const size = rows.length * length;
  const ints = () => new Int32Array(size);
  const batch = { tokens: ints(), targets: ints(), positions: ints(), segments: ints() };
  const weights = new Float32Array(size);
  rows.forEach((row, r) => {
    let at = r * length;
    row.forEach(({ tokens, weights: counts }, d) => {
      tokens.forEach((token, i) => {
        batch.tokens[at] = token;
        batch.targets[at] = tokens[i + 1] ?? 0;
        batch.positions[at] = i;
        batch.segments[at] = d + 1;
        weights[at++] = counts[i] ?? 0;
      });
    });
  });
  return { rows: rows.length, length, ...batch, weights, trained: weights.reduce((a, b) => a + b, 0) };
}

/** The model as its file has it, on the device that is open. */
export async function readGolden(golden: Golden, bytes: Uint8Array): Promise<Llama> {
  const file = await openSafetensors(bytesSource(bytes, "model.safetensors"));
  return readLlama(parseModelConfig(golden.config), file, {
    formatOf: () => "f32",
    signal: new AbortController().signal,
  });
}

export function loraOf({ config, lora: { rank, alpha } }: Golden): Lora {
  return newMethod("lora", { rank, alpha, targetModules: linearNamesOf(parseModelConfig(config)) });
}

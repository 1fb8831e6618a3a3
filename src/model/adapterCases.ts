/** @file Every method of adaptation on the tiny decoder, and what it is tried on, for the tests of all backends. */

import { type Adaptation, newMethod } from "../core/adaptation";
import type { Batch } from "../core/batch";
import { newRandom } from "../core/random";
import { disposeAdapter, loadAdapter, newAdapter, readAdapter } from "./adapter";
import type { Adapter } from "./adapterParts";
import type { Llama, TensorData } from "./llama";
import { tinyConfig } from "./tinyLlama";

const soft = newMethod("loar");
const lora = newMethod("lora", { rank: 3, alpha: 6 });

/** Each with whether a new one leaves the model as it is. */
export const adaptations: Record<string, { adaptation: Adaptation; isIdentity: boolean }> = {
  lora: { adaptation: [lora], isIdentity: true },
  "lora of some layers": { adaptation: [{ ...lora, targetModules: ["v_proj", "down_proj"] }], isIdentity: true },
  rslora: { adaptation: [{ ...lora, rslora: true }], isIdentity: true },
  dora: { adaptation: [{ ...lora, dora: true }], isIdentity: true },
  "dora of some layers": {
    adaptation: [{ ...lora, dora: true, targetModules: ["q_proj", "v_proj"] }],
    isIdentity: true,
  },
  "ranks by layer": {
    adaptation: [{ ...lora, rankPattern: { q_proj: 1, down_proj: 5 }, alphaPattern: { v_proj: 1 } }],
    isIdentity: true,
  },
  "loar, soft": { adaptation: [soft], isIdentity: true },
  "loar, gate": { adaptation: [{ ...soft, mode: "gate" }], isIdentity: true },
  "loar, hard": { adaptation: [{ ...soft, mode: "hard" }], isIdentity: false },
  "loar, literal": { adaptation: [{ ...soft, mode: "literal" }], isIdentity: false },
  "loar and lora": { adaptation: [soft, lora], isIdentity: true },
  full: { adaptation: [newMethod("full")], isIdentity: true },
  last: { adaptation: [newMethod("last")], isIdentity: true },
  bias: { adaptation: [newMethod("bias")], isIdentity: true },
  prefix: { adaptation: [newMethod("prefix", { virtualTokens: 3 })], isIdentity: false },
  prompt: { adaptation: [newMethod("prompt", { virtualTokens: 3 })], isIdentity: false },
  bottleneck: { adaptation: [newMethod("bottleneck", { size: 4 })], isIdentity: true },
  "bottleneck, relu": { adaptation: [newMethod("bottleneck", { size: 4, activation: "relu" })], isIdentity: true },
  ia3: { adaptation: [newMethod("ia3")], isIdentity: true },
  "prefix and loar and ia3": {
    adaptation: [newMethod("prefix", { virtualTokens: 2 }), soft, newMethod("ia3")],
    isIdentity: false,
  },
};

const random = newRandom(3);
export const sequence = Array.from({ length: 9 }, () => random.below(tinyConfig.vocabSize));
export const marks = Uint8Array.from(sequence, (_, i) => (i % 3 === 1 ? 0 : 1));
export const batch: Batch = newRowsBatch();

/** Two rows of one document each, the second padded. */
function newRowsBatch(): Batch {
  const [rows, length] = [2, 7];
  const each = <T>(make: (row: number, t: number) => T) =>
    Array.from({ length: rows * length }, (_, i) => make(Math.floor(i / length), i % length));
  const isReal = (row: number, t: number) => row === 0 || t < 5;
  const tokens = Int32Array.from(each((row, t) => (isReal(row, t) ? random.below(tinyConfig.vocabSize) : 0)));
  const weights = Float32Array.from(each((row, t) => (isReal(row, t + 1) && t > 1 && t < 6 ? 1 : 0)));
  return {
    rows,
    length,
    tokens,
    targets: tokens.map((_, i) => tokens[i + 1] ?? 0),
    weights,
    positions: Int32Array.from(each((row, t) => (isReal(row, t) ? t : 0))),
    segments: Int32Array.from(each((row, t) => (isReal(row, t) ? 1 : 0))),
    marks: Int32Array.from(each((row, t) => (isReal(row, t) && t % 2 === 0 ? 1 : 0))),
    trained: weights.reduce((a, b) => a + b, 0),
  };
}

/** The adapter with its numbers moved by noise, so that nothing is zero. */
export async function stirred(llama: Llama, adaptation: Adaptation): Promise<Adapter> {
  const start = await newAdapter(llama, adaptation, 1);
  const noise = newRandom(11);
  const tensors = new Map<string, TensorData>();
  for (const [name, { shape, values }] of await readAdapter(start)) {
    tensors.set(name, { shape, values: values.map((x) => x + 0.2 * noise.normal()) });
  }
  disposeAdapter(start);
  return loadAdapter(llama, adaptation, tensors);
}

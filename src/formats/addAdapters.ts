/**
 * @file Several LoRA adapters as one: Σ w_i · s_i · B_i · A_i is the product of their A one below the other and their B,
 * each times w_i · s_i, side by side (PEFT's add_weighted_adapter calls it "cat"). Nothing is rounded away; ranks add up.
 */

import { checkTargets, type Lora, loraScale, newMethod } from "../core/adaptation";
import { type LinearName, linearNamesOf, linearPath, linearShape } from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";

type Tensors = ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>;
export type WeightedLora = { lora: Lora; tensors: Tensors; weight: number };

/** The largest rank that a recipe takes. */
export const mostRank = 512;

/** Throws `adapter.invalid` where one of them is none of this base's, has DoRA's lengths, or the ranks come to too much. */
export function addLoras(
  config: ModelConfig,
  parts: readonly WeightedLora[],
): { lora: Lora; tensors: Map<string, { shape: number[]; values: Float32Array }> } {
  for (const { lora } of parts) {
    checkTargets(config, lora.targetModules);
    if (lora.dora) {
      throw new StudioError("adapter.invalid", say`DoRA's adapters do not add up: merge them into the base one by one`);
    }
  }
  const targetModules = linearNamesOf(config).filter((name) =>
    parts.some(({ lora }) => lora.targetModules.includes(name)),
  );
  const ranks = new Map(targetModules.map((name) => [name, rankOf(parts, name)] as const));
  const rank = Math.max(0, ...ranks.values());
  if (rank > mostRank) {
    throw new StudioError("adapter.invalid", say`The ranks come to ${rank}; ${mostRank} is the most`);
  }
  const others = [...ranks].filter(([, each]) => each !== rank);
  const tensors = new Map<string, { shape: number[]; values: Float32Array }>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const [name, total] of ranks) {
      const path = linearPath(layer, name);
      const [out, in_] = linearShape(config, name);
      const [a, b] = [new Float32Array(total * in_), new Float32Array(out * total)];
      let at = 0;
      for (const { lora, tensors: own, weight } of parts) {
        if (!lora.targetModules.includes(name)) continue;
        const { rank: r, scale } = loraScale(lora, name);
        const [A, B] = [
          numbersOf(own, `${path}.lora_A.weight`, r * in_),
          numbersOf(own, `${path}.lora_B.weight`, out * r),
        ];
        a.set(A, at * in_);
        for (let o = 0; o < out; o++) {
          for (let k = 0; k < r; k++) b[o * total + at + k] = weight * scale * (B[o * r + k] ?? 0);
        }
        at += r;
      }
      tensors.set(`${path}.lora_A.weight`, { shape: [total, in_], values: a });
      tensors.set(`${path}.lora_B.weight`, { shape: [out, total], values: b });
    }
  }
  // alpha / rank is 1 everywhere: the scales are in B.
  const patterns = Object.fromEntries(others) as Partial<Record<LinearName, number>>;
  const lora = newMethod("lora", {
    rank,
    alpha: rank,
    targetModules,
    rankPattern: patterns,
    alphaPattern: { ...patterns },
  });
  return { lora, tensors };
}

const rankOf = (parts: readonly WeightedLora[], name: LinearName) =>
  parts.reduce((sum, { lora }) => sum + (lora.targetModules.includes(name) ? loraScale(lora, name).rank : 0), 0);

function numbersOf(tensors: Tensors, name: string, size: number): Float32Array {
  const values = tensors.get(name)?.values;
  if (values?.length !== size)
    throw new StudioError("adapter.invalid", say`${name} is missing or does not fit the base`);
  return values;
}

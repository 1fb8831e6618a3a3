/** @file How fast a recipe trains on this device, from one short step before the run. */

import type { Batch } from "../core/batch";
import { nextTick } from "../core/nextTick";
import { newRandom, seedFor } from "../core/random";
import type { Recipe } from "../core/recipe";
import type { Turns } from "../core/turns";
import { disposeAdapter, newAdapter } from "../model/adapter";
import { disposeOptimizer, newOptimizer, trainStep } from "../model/training";
import type { LoadedModel } from "./loadModel";

/** Enough that a step's fixed costs do not speak for it, and a moment's work on two cores. */
const measuredTokens = 2048;
/** Steps at most, the first of which is not counted (kernels are compiled, memory is taken); and when no other begins. */
const [mostSteps, mostMilliseconds] = [5, 1500];

/** Random tokens below `vocabSize`, rows of one document each, the second half of each trained. */
export function newRandomBatch(rows: number, length: number, vocabSize: number, seed: number): Batch {
  const random = newRandom(seed);
  const tokens = Int32Array.from({ length: rows * length }, () => random.below(vocabSize));
  const weights = Float32Array.from({ length: rows * length }, (_, i) => (i % length >= length / 2 ? 1 : 0));
  return {
    rows,
    length,
    tokens,
    targets: tokens.map((_, i) => tokens[(i + 1) % tokens.length] ?? 0),
    weights,
    positions: tokens.map((_, i) => i % length),
    segments: tokens.map(() => 1),
    marks: tokens.map((_, i) => i % 2), // for an adapter that asks
    trained: weights.reduce((a, b) => a + b, 0),
  };
}

export type SpeedInputs = {
  recipe: Recipe;
  model: LoadedModel;
  /** Tokens of a usual row. */
  length: number;
  /** Whether the run will make activations again. */
  recompute: boolean;
  turns: Turns;
  signal: AbortSignal;
};

/** Tokens a second of a training step of the recipe's kind. Throws the signal's reason when aborted. */
export async function measureSpeed({ recipe, model, length, recompute, turns, signal }: SpeedInputs): Promise<number> {
  return turns(async () => {
    const { config, llama } = model;
    const adapter = await newAdapter(llama, recipe.adaptation, seedFor(recipe.seed, "adapter"));
    const optimizer = newOptimizer(adapter, recipe.optimizer);
    const rows = Math.min(recipe.batching.rows, Math.max(1, Math.round(measuredTokens / length)));
    const batch = newRandomBatch(rows, length, config.vocabSize, 1);
    const begun = performance.now();
    const times: number[] = []; // milliseconds
    try {
      for (let i = 0; i < mostSteps && (i < 2 || performance.now() - begun < mostMilliseconds); i++) {
        signal.throwIfAborted();
        const from = performance.now();
        await trainStep(llama, adapter, optimizer, [batch], {
          learningRate: 0,
          maxGradNorm: 1,
          dropoutSeed: 1,
          recompute,
        });
        times.push(performance.now() - from);
        await nextTick();
      }
      const counted = times.slice(1);
      return (rows * length * counted.length) / (counted.reduce((sum, time) => sum + time, 0) / 1000);
    } finally {
      disposeOptimizer(optimizer);
      disposeAdapter(adapter);
    }
  });
}

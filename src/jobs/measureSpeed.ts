/** @file How fast a recipe trains on this device, from a few short steps and some tokens before the run. */

import type { Batch } from "../core/batch";
import { nextTick } from "../core/nextTick";
import { newRandom, seedFor } from "../core/random";
import type { Recipe } from "../core/recipe";
import type { Turns } from "../core/turns";
import { disposeAdapter, newAdapter } from "../model/adapter";
import type { Adapter } from "../model/adapterParts";
import { generate } from "../model/generation";
import { disposeOptimizer, newOptimizer, trainStep } from "../model/training";
import type { LoadedModel } from "./loadModel";
import { promptsAtOnce } from "./measureAnswers";
import { writtenOf } from "./planTime";

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

/** Tokens a second of a training step of the recipe's kind, and of writing answers; null where it writes none. */
export type MeasuredSpeeds = { trained: number; written: number | null };

/** How fast the recipe's work is here. Throws the signal's reason when aborted. */
export async function measureSpeed(inputs: SpeedInputs): Promise<MeasuredSpeeds> {
  const { recipe, model, turns } = inputs;
  return turns(async () => {
    const adapter = await newAdapter(model.llama, recipe.adaptation, seedFor(recipe.seed, "adapter"));
    try {
      return { trained: await measureTraining(inputs, adapter), written: await measureWriting(inputs, adapter) };
    } finally {
      disposeAdapter(adapter);
    }
  });
}

async function measureTraining(
  { recipe, model, length, recompute, signal }: SpeedInputs,
  adapter: Adapter,
): Promise<number> {
  const optimizer = newOptimizer(adapter, recipe.optimizer);
  const rows = Math.min(recipe.batching.rows, Math.max(1, Math.round(measuredTokens / length)));
  const batch = newRandomBatch(rows, length, model.config.vocabSize, 1);
  const begun = performance.now();
  const times: number[] = []; // milliseconds
  try {
    for (let i = 0; i < mostSteps && (i < 2 || performance.now() - begun < mostMilliseconds); i++) {
      signal.throwIfAborted();
      const from = performance.now();
      await trainStep(model.llama, adapter, optimizer, [batch], {
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
  }
}

/** Tokens of the prompt that is answered to measure, and of its answers at most; the first is not counted. */
const [promptTokens, writtenTokens] = [16, 24];

/** Of as many answers at once as the recipe writes: fewer are slower each. */
async function measureWriting(
  { recipe, model, length, signal }: SpeedInputs,
  adapter: Adapter,
): Promise<number | null> {
  const { config, llama } = model;
  const written = writtenOf(recipe.objective);
  if (!written) return null;
  const { completions, prompts } = written;
  const copies = completions * Math.min(prompts, promptsAtOnce(config, length, completions));
  const maxTokens = Math.min(writtenTokens, config.maxPositions - promptTokens);
  if (maxTokens < 2) return null;
  const steps = generate(llama, adapter, {
    prompts: [Array.from({ length: promptTokens }, (_, i) => (i * 7919) % config.vocabSize)],
    copies,
    maxTokens,
    sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1 },
    stopIds: [],
    // For an adapter that asks which tokens carry logic.
    marks: { prompts: [new Uint8Array(promptTokens).fill(1)], table: new Uint8Array(config.vocabSize).fill(1) },
    signal,
  });
  try {
    await steps.next();
    const begun = performance.now();
    let tokens = 0;
    for (let next = await steps.next(); !next.done; next = await steps.next()) {
      tokens += next.value.length;
      if (performance.now() - begun > mostMilliseconds) break;
    }
    return tokens > 0 ? tokens / ((performance.now() - begun) / 1000) : null;
  } finally {
    await steps.return([]);
  }
}

/** @file What will happen if a recipe is started: rows, tokens, steps, memory, time. */

import { type Adaptation, adaptationTensors, countTrained } from "../core/adaptation";
import type { Plan } from "../core/engine";
import { countParameters, type ModelConfig } from "../core/model";
import { type Recipe, trainedAdaptation } from "../core/recipe";
import { bytes } from "../core/units";
import { planSafetensors } from "../formats/safetensors";
import { type Extents, memoryOf, type Sized } from "./planMemory";
import { countRows, extentsOf, type Lengths, most, rowsAStep, rowsLearnt } from "./planRows";
import { type Speeds, stageSeconds } from "./planTime";
import { contextOf, type Source, scoringOf, splitSource, type TrainingData } from "./prepareData";

/** The share of the memory from which on it is short. */
const tight = 0.7;
/** Whether so little memory (bytes) is there that a run on this data makes its activations again, which takes less. */
export function isMemoryShort(recipe: Recipe, model: Sized, data: TrainingData, available: number): boolean {
  return memoryPlan(recipe, model, extentsOf(data), available).recompute;
}

export type PlanInputs = {
  recipe: Recipe;
  model: Sized;
  source: Source;
  /** Of the rows that `splitSource` gives for training. */
  lengths: Lengths;
  /** Bytes that the device or host can give. */
  available: number;
  /** How fast this device is at such work, as far as that was measured. */
  speeds: Speeds;
};

export function planRecipe({ recipe, model, source, lengths, available, speeds }: PlanInputs): Plan {
  const { config } = model;
  const { heldout } = splitSource(source, recipe);
  const context = contextOf(recipe, config);
  const counted = countRows(recipe, config, lengths, heldout);
  const { rows, extents, meanTokens } = counted;
  const memory = memoryPlan(recipe, model, extents, available);
  const { first, own, before } = stageSeconds(recipe, counted, speeds);
  const isKnown = own !== null && before !== null && (!recipe.sftFirst || first !== null);
  return {
    rows,
    evaluationRows: heldout.length,
    context,
    tooLong: counted.tooLong,
    longest: most([...lengths.tokens]),
    meanTokens,
    steps: recipe.schedule.steps,
    epochs: (recipe.schedule.steps * rowsAStep(recipe)) / Math.max(1, rowsLearnt(recipe, rows)),
    trainedParameters: countTrained(config, trainedAdaptation(recipe)),
    fileBytes: bytes(fileBytes(config, recipe.adaptation)),
    parameters: countParameters(config),
    memory,
    seconds: isKnown ? (recipe.sftFirst?.steps ?? 0) * (first ?? 0) + before + recipe.schedule.steps * own : null,
    stepSeconds: own,
    scoring: scoringOf(heldout),
  };
}

/** Memory with all activations kept, or, where that is short, made again, if that takes less. */
function memoryPlan(recipe: Recipe, model: Sized, extents: Extents, available: number): Plan["memory"] {
  const whole = memoryOf(recipe, model, extents, false);
  const again = memoryOf(recipe, model, extents, true);
  const recompute = whole.bytes > tight * available && again.bytes < whole.bytes;
  const { bytes: needed, part } = recompute ? again : whole;
  return {
    needed: bytes(needed),
    available: bytes(available),
    verdict: needed > available ? "too large" : needed > tight * available ? "tight" : "fits",
    recompute,
    part,
  };
}

const fileBytes = (config: ModelConfig, adaptation: Adaptation) =>
  planSafetensors(new Map([...adaptationTensors(config, adaptation)].map(([name, shape]) => [name, { shape }]))).size;

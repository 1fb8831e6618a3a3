/** @file Variants by a word (`lora:8+loar@1e-3`), and the sets of them that people begin with. */

import type { Variant } from "./ablation";
import { canJoin, type Method, methodKinds, methodOf, newMethod } from "./adaptation";
import { StudioError } from "./errors";
import { recipeForMethods } from "./modelRecipe";
import type { Recipe } from "./recipe";
import { type Said, say } from "./say";

const invalid = (word: string, what: Said) => new StudioError("ablation.invalid", say`${word}: ${what}`);

/** The base as it is: nothing learns, so that one step with the rate 0 leaves what the last evaluation then measures. */
const base: Variant["changes"] = {
  adaptation: [newMethod("lora", { rank: 1, alpha: 1 })],
  optimizer: { learningRate: 0, weightDecay: 0 },
  schedule: { steps: 1, warmupSteps: 0 },
};

/** Whether a variant of this recipe trains anything at all. */
export const isBase = ({ optimizer }: Pick<Recipe, "optimizer">): boolean => optimizer.learningRate === 0;

const modes = ["soft", "hard", "literal", "gate"] as const;

/** The one setting that a word gives, as each kind has it. LoRA's alpha goes with the rank, so that its scale stays. */
function withValue(method: Method, value: string, word: string): Method {
  if (method.kind === "loar") {
    const mode = modes.find((candidate) => candidate === value);
    if (!mode) throw invalid(word, say`a loar is one of ${modes.join(", ")}`);
    return { ...method, mode };
  }
  const number = Number(value);
  if (!/^\d{1,5}$/.test(value) || number < 1) throw invalid(word, say`${value} is no whole number from 1`);
  switch (method.kind) {
    case "lora":
      return { ...method, rank: number, alpha: (method.alpha / method.rank) * number };
    case "last":
      return { ...method, layers: number };
    case "prefix":
    case "prompt":
      return { ...method, virtualTokens: number };
    case "bottleneck":
      return { ...method, size: number };
    default:
      throw invalid(word, say`${method.kind} takes no number`);
  }
}

function methodOfWord(recipe: Recipe, part: string, word: string): Method {
  const [name = "", value, ...more] = part.split(":");
  const kind = methodKinds.find((candidate) => candidate === name);
  if (!kind || more.length > 0) {
    throw invalid(word, say`${part} is no method; they are base, ${methodKinds.join(", ")}`);
  }
  const method: Method = methodOf(recipe.adaptation, kind) ?? newMethod(kind);
  return value === undefined ? method : withValue(method, value, word);
}

/** What these methods ask of the recipe beside themselves: a rate that suits them where none is said, rows of their own. */
function changesFor(recipe: Recipe, adaptation: Method[], rate: number | null): Variant["changes"] {
  const { optimizer, batching } = recipeForMethods(recipe, adaptation);
  const learningRate = rate ?? optimizer.learningRate;
  return {
    adaptation,
    ...(learningRate === recipe.optimizer.learningRate ? {} : { optimizer: { learningRate } }),
    ...(batching.mode === recipe.batching.mode ? {} : { batching: { mode: batching.mode } }),
  };
}

/**
 * `base`, or methods joined by `+`, each with a number (rank, layers, virtual tokens, size) or LoAR's mode behind a colon,
 * and a learning rate behind `@`. Methods that the recipe has keep its settings; a learning rate that nobody has changed
 * follows the methods. Throws `ablation.invalid`.
 */
export function variantOfWord(recipe: Recipe, word: string): Variant {
  if (word === "base") return { name: word, changes: structuredClone(base) };
  const [methods = "", rate, ...more] = word.split("@");
  const learningRate = Number(rate);
  if (more.length > 0 || (rate !== undefined && !(rate.trim() !== "" && learningRate >= 0 && learningRate <= 10))) {
    throw invalid(word, say`what follows @ is a learning rate from 0 to 10`);
  }
  const adaptation: Method[] = [];
  for (const part of methods.split("+")) {
    const method = methodOfWord(recipe, part, word);
    if (!canJoin(adaptation, method.kind)) {
      throw invalid(word, say`${method.kind} does not go with ${adaptation.map(({ kind }) => kind).join(", ")}`);
    }
    adaptation.push(method);
  }
  return { name: word, changes: changesFor(recipe, adaptation, rate === undefined ? null : learningRate) };
}

/** The ranks of a sweep. */
export const sweptRanks = [2, 4, 8, 16, 32] as const;

export const presetNames = ["ranks", "loar", "full", "share", "every"] as const;
export type PresetName = (typeof presetNames)[number];

/** Sets of variants to begin with; the first of each is what the others are compared with. */
export function variantsOfPreset(recipe: Recipe, preset: PresetName, layers: number): Variant[] {
  const lasts = [...new Set([1, Math.ceil(layers / 2), layers])].map((count) => `last:${count}`);
  const words: Record<PresetName, readonly string[]> = {
    ranks: sweptRanks.map((rank) => `lora:${rank}`),
    loar: ["lora", "loar", "loar+lora", "base"],
    full: ["full", "lora", "base"],
    share: ["full", ...lasts, "bias"],
    every: ["lora", ...methodKinds.filter((kind) => kind !== "lora"), "loar+lora", "base"],
  };
  return words[preset].map((word) => variantOfWord(recipe, word));
}

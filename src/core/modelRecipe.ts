/** @file A recipe for another model or other methods: its chat template, its layers' names, and settings that suit both. */

import type { Adaptation, Method, MethodKind } from "./adaptation";
import { fittingTargets } from "./adapter";
import type { ModelConfig } from "./model";
import type { ModelFacts } from "./modelRecord";
import { gsm8kTemplate, needsOwnRows, newRecipe, type Recipe } from "./recipe";

/** From so many parameters on, a first run is kept short and small. */
const large = 20e6;

type Settings = Pick<Recipe, "batching" | "optimizer" | "schedule" | "evaluation" | "checkpoints">;

/**
 * Learning rates to begin with, of a small model and of a large one: few numbers that stand for much need long steps. Those
 * of the small one did best of two to four tried on the embedded model over 30 or 40 steps (docs/lab.md); those of the
 * large one are usual in papers and in PEFT's examples, and not measured here.
 */
const firstRates: Record<MethodKind, [small: number, large: number]> = {
  lora: [2e-3, 2e-4],
  loar: [2e-2, 2e-3],
  full: [1e-3, 2e-5],
  last: [1e-2, 5e-5],
  bias: [5e-2, 1e-3],
  prefix: [0.5, 1e-2],
  prompt: [0.3, 3e-2],
  bottleneck: [6e-3, 3e-4],
  ia3: [0.1, 5e-3],
  head: [1e-2, 1e-3],
};

/** Of several methods that of the most careful one: they share a rate. */
function firstRate(adaptation: Adaptation, parameters: number): number {
  return Math.min(...adaptation.map(({ kind }) => firstRates[kind][parameters < large ? 0 : 1]));
}

/** What people begin with for a model of its size and these methods. */
function firstSettings(adaptation: Adaptation, parameters: number): Settings {
  const { batching, optimizer, schedule, evaluation, checkpoints } = newRecipe();
  const learningRate = firstRate(adaptation, parameters);
  const first = { batching, optimizer: { ...optimizer, learningRate }, schedule, evaluation, checkpoints };
  if (parameters < large) return first;
  return {
    ...first,
    batching: { ...batching, rows: 2, contextLength: 0 },
    schedule: { ...schedule, steps: 60, warmupSteps: 5 },
    evaluation: { ...evaluation, every: 20, rows: 8, lossRows: 16, maxTokens: 128, samples: 2 },
    checkpoints: { every: 20 },
  };
}

/** The method with this architecture's layers where it names another's. */
function fittingMethod(config: ModelConfig, method: Method): Method {
  switch (method.kind) {
    case "lora":
      return { ...method, targetModules: fittingTargets(config, method.targetModules) };
    case "ia3": {
      const targetModules = fittingTargets(config, method.targetModules);
      const feedForwardModules = fittingTargets(config, method.feedForwardModules);
      return { ...method, targetModules, feedForwardModules };
    }
    case "last":
      return { ...method, layers: Math.min(method.layers, config.layers) };
    default:
      return method;
  }
}

/** The recipe on the model that recipes name so. Settings that nobody has changed follow its size. */
export function recipeForModel(
  recipe: Recipe,
  model: string,
  facts: Pick<ModelFacts, "config" | "parameters" | "template">,
): Recipe {
  const template = { ...(facts.template ?? gsm8kTemplate) };
  const adaptation = recipe.adaptation.map((method) => fittingMethod(facts.config, method));
  const chosen = { ...recipe, model, template, adaptation };
  const isUntouched = [0, large].some((parameters) =>
    Object.entries(firstSettings(recipe.adaptation, parameters)).every(
      ([section, value]) => JSON.stringify(recipe[section as keyof Settings]) === JSON.stringify(value),
    ),
  );
  return isUntouched ? { ...chosen, ...firstSettings(adaptation, facts.parameters) } : chosen;
}

/**
 * The recipe with other methods, on this model where it is known. A learning rate that nobody has changed follows them,
 * and rows are packed no longer where they cannot be.
 */
export function recipeForMethods(recipe: Recipe, adaptation: Adaptation, config?: ModelConfig): Recipe {
  const { optimizer, batching } = recipe;
  const size = [0, large].find((each) => firstRate(recipe.adaptation, each) === optimizer.learningRate);
  const chosen = {
    ...recipe,
    adaptation: config ? adaptation.map((method) => fittingMethod(config, method)) : adaptation,
    optimizer: size === undefined ? optimizer : { ...optimizer, learningRate: firstRate(adaptation, size) },
  };
  return needsOwnRows(chosen) ? { ...chosen, batching: { ...batching, mode: "bucket" } } : chosen;
}

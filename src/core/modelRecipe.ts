/** @file A recipe for another model: its chat template, its layers' names, and settings that suit its size. */

import type { Method } from "./adaptation";
import { fittingTargets } from "./adapter";
import type { ModelConfig } from "./model";
import type { ModelFacts } from "./modelRecord";
import { gsm8kTemplate, newRecipe, type Recipe } from "./recipe";

/** From so many parameters on, a first run is kept short and small. */
const large = 20e6;

type Settings = Pick<Recipe, "batching" | "optimizer" | "schedule" | "evaluation" | "checkpoints">;

/** What people begin with for a model of its size. */
function firstSettings(parameters: number): Settings {
  const { batching, optimizer, schedule, evaluation, checkpoints } = newRecipe();
  if (parameters < large) return { batching, optimizer, schedule, evaluation, checkpoints };
  return {
    batching: { ...batching, rows: 2, contextLength: 0 },
    optimizer: { ...optimizer, learningRate: 2e-4 },
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
    Object.entries(firstSettings(parameters)).every(
      ([section, value]) => JSON.stringify(recipe[section as keyof Settings]) === JSON.stringify(value),
    ),
  );
  return isUntouched ? { ...chosen, ...firstSettings(facts.parameters) } : chosen;
}

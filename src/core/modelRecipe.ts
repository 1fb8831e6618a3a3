/** @file A recipe for another model or other methods: its chat template, its layers' names, and settings that suit both. */

import type { Adaptation, Method } from "./adaptation";
import { fittingTargets } from "./adapter";
import { firstImitation, firstRate, firstSettings, isSame, large, objectiveFor, type Settings } from "./firstSettings";
import type { ModelConfig } from "./model";
import type { ModelFacts } from "./modelRecord";
import { gsm8kTemplate, needsOwnRows, type Recipe } from "./recipe";

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

const sizes = [0, large];

/** The recipe on the model that recipes name so. Settings that nobody has changed follow its size. */
export function recipeForModel(
  recipe: Recipe,
  model: string,
  facts: Pick<ModelFacts, "config" | "parameters" | "template">,
): Recipe {
  const { parameters, config } = facts;
  const template = { ...(facts.template ?? gsm8kTemplate) };
  const adaptation = recipe.adaptation.map((method) => fittingMethod(config, method));
  const objective = objectiveFor(recipe.objective, parameters);
  const chosen = { ...recipe, model, template, adaptation, objective, ...imitationFor(recipe, adaptation, parameters) };
  const isUntouched = sizes.some((size) =>
    Object.entries(firstSettings(recipe, size)).every(([section, value]) =>
      isSame(recipe[section as keyof Settings], value),
    ),
  );
  return isUntouched ? { ...chosen, ...firstSettings({ adaptation, objective }, parameters) } : chosen;
}

/** Imitation before rewards that nobody has changed follows the model's size, and its methods. */
function imitationFor(
  { sftFirst, adaptation }: Recipe,
  next: Adaptation,
  parameters: number,
): Pick<Recipe, "sftFirst"> {
  const isUntouched = sizes.some((size) => isSame(sftFirst, firstImitation(adaptation, size)));
  return isUntouched ? { sftFirst: firstImitation(next, parameters) } : {};
}

/**
 * The recipe with other methods, on this model where it is known. A learning rate that nobody has changed follows them,
 * and rows are packed no longer where they cannot be.
 */
export function recipeForMethods(recipe: Recipe, adaptation: Adaptation, config?: ModelConfig): Recipe {
  const { optimizer, batching, objective } = recipe;
  const size = sizes.find((each) => firstRate(recipe, each) === optimizer.learningRate);
  const chosen = {
    ...recipe,
    adaptation: config ? adaptation.map((method) => fittingMethod(config, method)) : adaptation,
    optimizer:
      size === undefined ? optimizer : { ...optimizer, learningRate: firstRate({ adaptation, objective }, size) },
    ...(size === undefined ? {} : imitationFor(recipe, adaptation, size)),
  };
  return needsOwnRows(chosen) ? { ...chosen, batching: { ...batching, mode: "bucket" } } : chosen;
}

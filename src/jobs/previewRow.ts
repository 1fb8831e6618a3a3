/** @file One row of a recipe's data as the model will see it. */

import type { Example } from "../core/dataset";
import type { RowPreview } from "../core/engine";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import type { Recipe } from "../core/recipe";
import { say } from "../core/say";
import { newPreview } from "../data/mask";
import { solutionParts } from "../data/solutionParts";
import type { Tokenizer } from "../data/tokenizer";
import { newLogic } from "./logic";
import { contextOf, newMarkedDocument } from "./prepareData";

/** Throws `dataset.empty` where there is no such row. */
export async function previewRow(
  example: Example | undefined,
  recipe: Recipe,
  model: { config: ModelConfig; tokenizer: Tokenizer },
): Promise<RowPreview> {
  if (!example) throw new StudioError("dataset.empty", say`There is no such row`);
  const context = contextOf(recipe, model.config);
  const logic = await newLogic(recipe, model.tokenizer);
  const document = newMarkedDocument(example, recipe, model.tokenizer, context, logic);
  const parts = document.parts ?? solutionParts(document, example, model.tokenizer); // shown whether or not they are weighed
  return { ...newPreview({ ...document, parts }, model.tokenizer), example, context };
}

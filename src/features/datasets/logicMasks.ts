/** @file Logic masks to look at a data set under, whatever the recipe trains. */

import { methodOf, newMethod } from "../../core/adaptation";
import type { Recipe } from "../../core/recipe";

/** `recipe` is the recipe's own, for one that has LoAR. */
export type LogicMask = "off" | "recipe" | "maths" | "contract" | "code";

/** Those on offer for this recipe, the first of them to begin with. */
export const logicMasks = ({ adaptation }: Recipe): LogicMask[] => [
  ...(methodOf(adaptation, "loar") ? (["recipe"] as const) : []),
  "off",
  "maths",
  "contract",
  "code",
];

/** The recipe with this mask and no other: rows are shown under it, nothing is trained. */
export function withMask(recipe: Recipe, mask: LogicMask): Recipe {
  if (mask === "recipe") return recipe;
  const others = recipe.adaptation.filter(({ kind }) => kind !== "loar");
  if (mask !== "off") return { ...recipe, adaptation: [newMethod("loar", { annotator: { kind: mask } })] };
  return { ...recipe, adaptation: others.length > 0 ? others : [newMethod("lora")] };
}

/** @file Where recipes differ: what makes one run another. Pure. */

import type { Recipe } from "../core/recipe";

/** A field of the recipe by its path (`optimizer.learningRate`) and its value in each of the recipes, in their order. */
export type Difference = { path: string; values: readonly string[] };

/** Fields that are not the same in all of the recipes; the name is not one of them. */
export function listDifferences(recipes: readonly Recipe[]): Difference[] {
  const flat = recipes.map((recipe) => new Map(flatten(recipe, "")));
  const paths = new Set(flat.flatMap((fields) => [...fields.keys()]));
  return [...paths]
    .filter((path) => path !== "name" && path !== "version")
    .map((path) => ({ path, values: flat.map((fields) => fields.get(path) ?? "") }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}

const isMethods = (value: object): value is { kind: string }[] =>
  Array.isArray(value) && value.every((item: unknown) => typeof item === "object" && item !== null && "kind" in item);

function flatten(value: unknown, path: string): [path: string, value: string][] {
  if (typeof value !== "object" || value === null) return [[path, String(value)]];
  if (isMethods(value)) {
    const settings = value.flatMap(({ kind, ...rest }) => flatten(rest, `${path}.${kind}`));
    return [[path, value.map(({ kind }) => kind).join(", ")], ...settings];
  }
  if (Array.isArray(value)) return [[path, value.join(", ")]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path === "" ? key : `${path}.${key}`));
}

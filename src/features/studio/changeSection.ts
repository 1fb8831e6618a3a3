/** @file Changes some fields of one section of the recipe being written. */

import type { Recipe } from "../../core/recipe";
import { changeRecipe } from "../../state/studio";

/** The sections of a recipe that are records of fields. */
export type Section = {
  [S in keyof Recipe]-?: Recipe[S] extends readonly unknown[] ? never : Recipe[S] extends object ? S : never;
}[Exclude<keyof Recipe, "objective">];

export function changeSection<S extends Section>(section: S, fields: Partial<Recipe[S]>) {
  changeRecipe((draft) => ({ ...draft, [section]: { ...draft[section], ...fields } }));
}

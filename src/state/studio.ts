/** @file The recipe being written: as a form, as JSON, and as the last valid recipe, all in step. */

import { create } from "zustand";
import { explain, toWire } from "../core/errors";
import { newRecipe, parseRecipe, type Recipe, wrongField } from "../core/recipe";
import { type Said, say, sentence } from "../core/say";

/** What is wrong and where: `optimizer.learningRate`, or `recipe` for the whole. */
export type Problem = { field: string; message: Said };

type Studio = {
  /** The last recipe that was valid: what plans and previews are made of. */
  recipe: Recipe;
  /** What the form shows: a recipe in shape, though a value may be out of bounds. */
  draft: Recipe;
  /** What the JSON view shows. */
  text: string;
  /** Training waits until there is none. */
  problem: Problem | null;
};

const key = "anneal.recipe";
const write = (recipe: Recipe) => JSON.stringify(recipe, null, 2);
const valid = (recipe: Recipe): Studio => ({ recipe, draft: recipe, text: write(recipe), problem: null });

function parseStored(stored: string | null): Recipe {
  try {
    return stored === null ? newRecipe() : parseRecipe(JSON.parse(stored));
  } catch {
    return newRecipe(); // of another version, or edited by hand: the defaults are always at hand
  }
}

export const useStudio = create<Studio>(() => valid(parseStored(localStorage.getItem(key))));

useStudio.subscribe(({ recipe }, before) => {
  if (recipe !== before.recipe) localStorage.setItem(key, JSON.stringify(recipe));
});

/** `optimizer.learningRate: must be at most 10` → its two halves. */
export function problemOf(error: unknown): Problem {
  const wrong = wrongField(error);
  if (wrong) return { field: wrong.field, message: wrong.what };
  return { field: "recipe", message: toWire(error).detail ?? sentence(explain(error).title) };
}

/** Takes what the form says. A value out of bounds stays in the form and is named; the last valid recipe stays. */
export function changeRecipe(change: (draft: Recipe) => Recipe) {
  const draft = change(useStudio.getState().draft);
  try {
    useStudio.setState(valid(parseRecipe(draft)), true);
  } catch (error) {
    useStudio.setState({ draft, text: write(draft), problem: problemOf(error) });
  }
}

/** Takes what the JSON view says. Until it is a recipe, the form keeps showing the last one. */
export function changeText(text: string) {
  try {
    useStudio.setState({ ...valid(parseRecipe(JSON.parse(text))), text }, true);
  } catch (error) {
    const problem =
      error instanceof SyntaxError ? { field: "recipe", message: say`${error.message}` } : problemOf(error);
    useStudio.setState({ text, problem });
  }
}

/** Takes a whole recipe from a file, a link or an earlier run. Throws `recipe.invalid`. */
export function openRecipe(value: unknown) {
  useStudio.setState(valid(parseRecipe(value)), true);
}

export function resetRecipe() {
  useStudio.setState(valid(newRecipe()), true);
}

/** Whether anything differs from the recipe that stands there on a first visit. */
export const isDefault = ({ text }: Studio) => text === write(newRecipe());

/** @file Puts an example into a recipe's template. */

import type { Example } from "../core/dataset";
import type { Recipe } from "../core/recipe";

/** `{prompt}` and `{completion}` are replaced literally, each only in its own half, so that a row's own braces stay text. */
export function applyTemplate(example: Example, template: Recipe["template"]): Example {
  return {
    prompt: template.prompt.split("{prompt}").join(example.prompt),
    completion: template.completion.split("{completion}").join(example.completion),
  };
}

/** @file A prompt that shows worked rows before the question. */

import type { Example } from "../core/dataset";
import type { Recipe } from "../core/recipe";

/** The rows under the template, a blank line between them, then the question's own prompt: what the model is to complete. */
export function fewShotPrompt(examples: readonly Example[], template: Recipe["template"], question: string): string {
  const ask = (prompt: string) => template.prompt.split("{prompt}").join(prompt);
  const shots = examples.map(
    ({ prompt, completion }) => ask(prompt) + template.completion.split("{completion}").join(completion),
  );
  return [...shots, ask(question)].join("\n\n");
}

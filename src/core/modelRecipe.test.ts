/** @file A recipe follows the model that is chosen, and keeps what a person has set. */

import { expect, test } from "vitest";
import { methodOf } from "./adaptation";
import { parseModelConfig } from "./model";
import { recipeForModel } from "./modelRecipe";
import { newRecipe, parseRecipe } from "./recipe";

const shape = {
  vocab_size: 100,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 64,
};
const llama = parseModelConfig({ model_type: "llama", ...shape });
const gpt2 = parseModelConfig({ model_type: "gpt2", ...shape, n_embd: 16, n_layer: 2, n_head: 2, n_positions: 64 });
const chat = { prompt: "<user>{prompt}<bot>", completion: "{completion}<end>" };

test("a large model gets its template and a short first run; back to a small one all is as it was", () => {
  const first = newRecipe();
  const large = recipeForModel(first, "model:a", { config: llama, parameters: 135e6, template: chat });
  expect(parseRecipe(large)).toMatchObject({
    model: "model:a",
    template: chat,
    optimizer: { learningRate: 2e-4 },
    batching: { rows: 2 },
  });
  expect(recipeForModel(large, "embedded", { config: llama, parameters: 1e6, template: null })).toEqual(first);
});

test("what a person has set stays", () => {
  const mine = newRecipe({ schedule: { kind: "linear", steps: 7, warmupSteps: 1 } });
  const { schedule, batching } = recipeForModel(mine, "model:a", { config: llama, parameters: 135e6, template: chat });
  expect({ schedule, batching }).toEqual({ schedule: mine.schedule, batching: mine.batching });
});

test("an architecture with other layers is adapted in those", () => {
  const recipe = recipeForModel(newRecipe(), "model:g", { config: gpt2, parameters: 1e6, template: null });
  expect(methodOf(parseRecipe(recipe).adaptation, "lora")?.targetModules).toContain("c_attn");
});

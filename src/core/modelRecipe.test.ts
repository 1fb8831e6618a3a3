/** @file A recipe follows the model that is chosen, and keeps what a person has set. */

import { expect, test } from "vitest";
import { methodKinds, methodOf, newMethod } from "./adaptation";
import { parseModelConfig } from "./model";
import { recipeForMethods, recipeForModel } from "./modelRecipe";
import { newLoarRecipe, newRecipe, parseRecipe } from "./recipe";

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

test("the learning rate follows the methods until somebody sets it", () => {
  const first = newRecipe();
  for (const kind of methodKinds) {
    const chosen = recipeForMethods(first, [newMethod(kind)], llama);
    expect(parseRecipe(chosen).adaptation.map((method) => method.kind)).toEqual([kind]);
    expect(recipeForMethods(chosen, first.adaptation, llama)).toEqual(first);
    // There and back over a large model, whatever the method.
    const large = recipeForModel(chosen, "model:a", { config: llama, parameters: 135e6, template: chat });
    expect(large.optimizer.learningRate).toBeLessThan(chosen.optimizer.learningRate);
    expect(recipeForModel(large, "embedded", { config: llama, parameters: 1e6, template: null })).toEqual(chosen);
    const again = recipeForMethods(large, first.adaptation, llama);
    expect(again).toEqual(recipeForModel(first, "model:a", { config: llama, parameters: 135e6, template: chat }));
  }
  const mine = newRecipe({ optimizer: { ...first.optimizer, learningRate: 7e-4 } });
  expect(recipeForMethods(mine, [newMethod("prompt")], llama).optimizer).toEqual(mine.optimizer);
});

test("methods that join share the rate of the most careful one, which is LoRA's beside LoAR", () => {
  const both = recipeForMethods(newRecipe(), [newMethod("loar"), newMethod("lora")], llama);
  expect({ ...both, name: "loar-quickstart" }).toEqual(newLoarRecipe());
});

test("virtual tokens end the packing of rows", () => {
  const packed = newRecipe({ batching: { ...newRecipe().batching, mode: "pack" } });
  expect(recipeForMethods(packed, [newMethod("bias")], llama).batching.mode).toBe("pack");
  const { batching } = parseRecipe(recipeForMethods(packed, [newMethod("prefix")], llama));
  expect(batching).toEqual({ ...packed.batching, mode: "bucket" });
});

test("methods take the model's own layers", () => {
  const { adaptation } = recipeForMethods(newRecipe(), [newMethod("ia3"), newMethod("last", { layers: 9 })], gpt2);
  expect(adaptation).toEqual([
    { kind: "ia3", targetModules: ["c_attn", "mlp.c_proj"], feedForwardModules: ["mlp.c_proj"] },
    { kind: "last", layers: 2 },
  ]);
});

/** @file Settings to begin with: the published ones on large models, the quickstarts' on the embedded one, and nothing that was set is lost. */

import { expect, test } from "vitest";
import { type Adaptation, newMethod } from "./adaptation";
import { firstImitation, firstObjective, firstRate, firstSettings, objectiveFor } from "./firstSettings";
import { parseModelConfig } from "./model";
import { recipeForMethods, recipeForModel } from "./modelRecipe";
import { newObjective, newSampledPairs, objectiveKinds } from "./objective";
import { newRecipe, parseRecipe, quickstarts } from "./recipe";
import { recipeForObjective, recipeThenRewards } from "./recipeForObjective";

const config = parseModelConfig({
  model_type: "llama",
  vocab_size: 100,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 64,
});
const real = { config, parameters: 494e6, template: null };
const embedded = { config, parameters: 1e6, template: null };
const lora = [newMethod("lora")];
const full = [newMethod("full")];

test("learning rates of large models are the published ones, of all weights and of LoRA", () => {
  const rates = (adaptation: Adaptation) =>
    Object.fromEntries(
      objectiveKinds.map((kind) => [kind, firstRate({ adaptation, objective: newObjective(kind) }, real.parameters)]),
    );
  expect(rates(lora)).toEqual({
    sft: 2e-4,
    dpo: 5e-6,
    kto: 5e-6,
    reward: 1e-4,
    grpo: 1e-5,
    ppo: 3e-5,
    rejection: 2e-4,
  });
  expect(rates(full)).toEqual({
    sft: 2e-5,
    dpo: 1e-6,
    kto: 1e-6,
    reward: 1e-5,
    grpo: 1e-6,
    ppo: 3e-6,
    rejection: 2e-5,
  });
});

test("objectives begin with TRL's settings, and large models write longer answers to fewer prompts", () => {
  expect(firstObjective(newObjective("grpo"), real.parameters)).toMatchObject({
    loss: "dapo",
    completions: 8,
    beta: 0,
    clipLow: 0.2,
    clipHigh: 0.2,
    updates: 1,
    scaleRewards: "group",
    prompts: 4,
    sampling: { temperature: { start: 1, end: 1 }, topK: 0, topP: 1, maxTokens: 256 },
  });
  expect(firstObjective(newObjective("ppo"), real.parameters)).toMatchObject({
    updates: 4,
    gamma: 1,
    lambda: 0.95,
    clip: 0.2,
    valueClip: 0.2,
    valueWeight: 0.1,
    kl: { coefficient: 0.05, target: 6, horizon: 10_000 },
  });
  const own = newObjective("dpo", { sampled: newSampledPairs() });
  expect(firstObjective(own, real.parameters)).toMatchObject({ beta: 0.1, sampled: { sampling: { maxTokens: 256 } } });
  for (const kind of ["sft", "dpo", "kto", "reward"] as const) {
    expect(firstObjective(newObjective(kind), real.parameters)).toEqual(newObjective(kind));
  }
});

test("every quickstart on a large model is what choosing its objective there gives, and comes back as it was", () => {
  for (const quickstart of Object.values(quickstarts)) {
    const first = quickstart();
    const large = parseRecipe(recipeForModel(first, "model:a", real));
    const { adaptation, objective } = large;
    expect(large).toMatchObject(firstSettings({ adaptation, objective }, real.parameters));
    expect(objective).toEqual(objectiveFor(first.objective, real.parameters));
    expect(large.sftFirst).toEqual(first.sftFirst && firstImitation(adaptation, real.parameters));
    expect(recipeForModel(large, "embedded", embedded)).toEqual(first);
    const chosen = recipeForObjective(recipeForModel(newRecipe({ adaptation }), "model:a", real), objective, 494e6);
    const { sftFirst: _, ...same } = large;
    expect({ ...chosen, name: large.name }).toEqual(same);
  }
});

test("an answer is evaluated at the length that it is trained at", () => {
  for (const kind of ["grpo", "ppo", "rejection"] as const) {
    const objective = firstObjective(newObjective(kind), real.parameters);
    const { evaluation } = firstSettings({ adaptation: lora, objective }, real.parameters);
    expect(objective).toHaveProperty("sampling.maxTokens", evaluation.maxTokens);
  }
});

test("the rate follows the methods under every objective, and that of the imitation before as well", () => {
  const begun = recipeThenRewards(recipeForModel(newRecipe(), "model:a", real), 494e6);
  expect(parseRecipe(begun)).toMatchObject({
    objective: { kind: "grpo" },
    optimizer: { learningRate: 1e-5 },
    sftFirst: { rows: 300, steps: 60, learningRate: 2e-4 },
    schedule: { kind: "constant" },
  });
  const whole = recipeForMethods(begun, full, config);
  expect(whole).toMatchObject({ optimizer: { learningRate: 1e-6 }, sftFirst: { learningRate: 2e-5 } });
  expect(recipeForMethods(whole, begun.adaptation, config)).toEqual(begun);
});

test("what was set stays: an objective, its imitation, a rate", () => {
  const objective = newObjective("grpo", { completions: 5 });
  const sftFirst = { rows: 20, steps: 7, learningRate: 3e-3 };
  const first = { ...quickstarts["grpo-quickstart"](), objective, sftFirst };
  const large = recipeForModel(first, "model:a", real);
  expect(large).toMatchObject({ objective, sftFirst });
  const { optimizer } = first;
  const mine = { ...first, optimizer: { ...optimizer, learningRate: 7e-4 } };
  expect(recipeForModel(mine, "model:a", real).optimizer.learningRate).toBe(7e-4);
  expect(recipeForMethods(mine, full, config).optimizer.learningRate).toBe(7e-4);
});

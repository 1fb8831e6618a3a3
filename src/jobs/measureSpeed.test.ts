/** @file A run's speed is measured before it, and nothing of the measuring stays behind. */

import { beforeAll, expect, test } from "vitest";
import { newMethod } from "../core/adaptation";
import { newObjective, newSampledPairs } from "../core/objective";
import { newRecipe } from "../core/recipe";
import { newTurns } from "../core/turns";
import { deviceMemory, openDevice } from "../kernels/device";
import { type LoadedModel, loadModel } from "./loadModel";
import { measureSpeed } from "./measureSpeed";
import { newTinyModel } from "./tinyModel";

let model: LoadedModel;

beforeAll(async () => {
  await openDevice("cpu");
  model = await loadModel(newTinyModel());
});

test("tokens a second, with no tensor left behind", async () => {
  const { tensors } = deviceMemory();
  const { signal } = new AbortController();
  const inputs = { recipe: newRecipe(), model, length: 24, recompute: false, turns: newTurns(), signal };
  const speeds = await measureSpeed(inputs);
  expect(speeds.trained).toBeGreaterThan(0);
  expect(speeds.written).toBeNull();
  expect(deviceMemory().tensors).toBe(tensors);
});

test("of writing too, where the model writes its own answers, whatever is trained", async () => {
  const { tensors } = deviceMemory();
  const { signal } = new AbortController();
  const sampled = newObjective("dpo", { sampled: newSampledPairs() });
  for (const objective of [newObjective("grpo"), newObjective("ppo"), sampled]) {
    const recipe = newRecipe({ objective, adaptation: [newMethod("loar"), newMethod("lora")] });
    const speeds = await measureSpeed({ recipe, model, length: 24, recompute: false, turns: newTurns(), signal });
    expect(speeds.written).toBeGreaterThan(0);
    expect(deviceMemory().tensors).toBe(tensors);
  }
});

test("one that is no longer wanted stops", async () => {
  const { tensors } = deviceMemory();
  const signal = AbortSignal.abort();
  const measuring = measureSpeed({
    recipe: newRecipe(),
    model,
    length: 24,
    recompute: false,
    turns: newTurns(),
    signal,
  });
  await expect(measuring).rejects.toMatchObject({ name: "AbortError" });
  expect(deviceMemory().tensors).toBe(tensors);
});

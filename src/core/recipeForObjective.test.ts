/** @file Objectives against the rows they need, and every recipe that a choice makes against the validator. */

import { expect, test } from "vitest";
import type { DatasetFormat, Mapping } from "./dataset";
import { newObjective, type Objective, objectiveKinds } from "./objective";
import { newRecipe, parseRecipe, quickstarts, type Recipe } from "./recipe";
import { beginObjective, lackOf, recipeForObjective, recipeFromRun } from "./recipeForObjective";
import { newReward } from "./reward";
import { newRun } from "./run";

const mappingOf = (format: DatasetFormat): Mapping => ({ format, prompt: [], completion: "", turns: "" });
const [plain, pairs, judged, text] = (["gsm8k", "preference", "unpaired", "text"] as const).map(mappingOf);

const choose = (recipe: Recipe, kind: Objective["kind"], mapping = plain) =>
  recipeForObjective(recipe, beginObjective(kind, recipe.objective, mapping));

test("what rows lack is said, and nothing of rows that are not known", () => {
  const lacks = (mapping: Mapping | undefined) => objectiveKinds.map((kind) => lackOf(newObjective(kind), mapping));
  //                             sft   dpo      kto       reward   grpo       ppo        rejection
  expect(lacks(plain)).toEqual([null, "pairs", "judged", "pairs", null, null, null]);
  expect(lacks(pairs)).toEqual([null, null, "judged", null, null, null, null]);
  expect(lacks(judged)).toEqual([null, "pairs", null, "pairs", null, null, null]);
  expect(lacks(text)).toEqual([null, "pairs", "judged", "pairs", "prompts", "prompts", "prompts"]);
  expect(lacks(undefined)).toEqual(objectiveKinds.map(() => null));
});

test("preferences are between the model's own answers where no row has two", () => {
  expect(beginObjective("dpo", newObjective("sft"), pairs)).toEqual(newObjective("dpo"));
  const own = beginObjective("dpo", newObjective("sft"), plain);
  expect(own).toHaveProperty("sampled.pairs");
  expect(lackOf(own, plain)).toBeNull();
  expect(lackOf(own, text)).toBe("prompts");
});

test("on the embedded model they are the quickstarts, and imitation comes back as it was", () => {
  for (const kind of ["grpo", "ppo", "dpo"] as const) {
    const chosen = choose(newRecipe(), kind);
    expect(chosen).toEqual({ ...quickstarts[`${kind}-quickstart`](), name: "quickstart" });
    expect(choose(chosen, "sft")).toEqual(newRecipe());
    expect(choose(choose(chosen, "rejection"), kind).sftFirst).toEqual(chosen.sftFirst);
  }
});

test("from every objective to every other the recipe is valid, and the way back has the same rate", () => {
  for (const mapping of [plain, pairs, judged]) {
    for (const from of objectiveKinds) {
      const first = choose(newRecipe(), from, mapping);
      for (const to of objectiveKinds) {
        const second = choose(first, to, mapping);
        expect(parseRecipe(second)).toEqual(second);
        expect(choose(second, from, mapping).optimizer.learningRate).toBe(first.optimizer.learningRate);
      }
    }
  }
});

test("what was set stays: rewards from one policy to the next, steps, and imitation that was turned off", () => {
  const rewards = [newReward("steps", { weight: 3 })];
  const grpo = choose(newRecipe({ schedule: { kind: "cosine", steps: 70, warmupSteps: 3 } }), "grpo");
  const { kind } = quickstarts["grpo-quickstart"]().schedule;
  expect(grpo.schedule).toEqual({ kind, steps: 70, warmupSteps: 3 });
  const linear = newRecipe({ schedule: { kind: "linear", steps: 70, warmupSteps: 3 } });
  expect(choose(linear, "grpo").schedule).toEqual(linear.schedule);
  const { sftFirst: _, ...without } = { ...grpo, objective: newObjective("grpo", { rewards, completions: 5 }) };
  const ppo = choose(without, "ppo");
  expect(ppo.objective).toMatchObject({ kind: "ppo", rewards, completions: 5 });
  expect(ppo.sftFirst).toBeUndefined();
});

test("another model brings its own answers, and packed rows are unpacked where answers are compared", () => {
  const packed = newRecipe({ model: "model:other", batching: { ...newRecipe().batching, mode: "pack" } });
  expect(choose(packed, "grpo").sftFirst).toBeUndefined();
  expect(choose(packed, "kto", judged).batching.mode).toBe("bucket");
  expect(choose(packed, "sft").batching.mode).toBe("pack");
});

test("rewards set out from what a run has trained, without imitation", () => {
  const imitated = newRun(newRecipe(), "one");
  const recipe = recipeFromRun(imitated);
  const { name, sftFirst: _, ...quickstart } = quickstarts["grpo-quickstart"]();
  expect(recipe).toEqual({ ...quickstart, name: "quickstart-rewards", start: imitated.id });
  expect(name).toBe("grpo-quickstart");
  for (const kind of objectiveKinds) {
    const run = newRun(choose(newRecipe(), kind, kind === "kto" ? judged : pairs), "any");
    const begun = recipeFromRun(run);
    expect(parseRecipe(begun)).toEqual(begun);
    expect(begun.objective.kind).toBe(kind === "ppo" || kind === "rejection" ? kind : "grpo");
  }
});

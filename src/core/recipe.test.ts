/** @file Recipes: the default is valid, and what is wrong is named. */

import { expect, test } from "vitest";
import { newMethod } from "./adaptation";
import { newLoarRecipe, newRecipe, parseRecipe, quickstartNames, quickstarts, wrongField } from "./recipe";
import { say } from "./say";

/** The default recipe with the field at `path` replaced. */
function withField(path: string, value: unknown): unknown {
  const recipe = structuredClone(newRecipe()) as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let place: Record<string, unknown> = recipe;
  for (const key of keys) place = place[key] as Record<string, unknown>;
  place[last] = value;
  return recipe;
}

test("the default recipe survives JSON", () => {
  expect(parseRecipe(JSON.parse(JSON.stringify(newRecipe())))).toEqual(newRecipe());
});

test.each([
  ["adaptation.0.rank", 0],
  ["adaptation.0.rank", 2.5],
  ["adaptation.0.targetModules", []],
  ["adaptation.0.targetModules", ["q_proj", "q_proj"]],
  ["adaptation.0.targetModules", ["lm_head"]],
  ["optimizer.learningRate", Number.NaN],
  ["optimizer.learningRate", "2e-3"],
  ["schedule.kind", "wsd"],
  ["template.prompt", "no placeholder here"],
  ["batching.contextLength", 1e9],
  ["seed", -1],
])("%s = %j is refused by name", (path, value) => {
  expect(() => parseRecipe(withField(path, value))).toThrow(
    expect.objectContaining({ code: "recipe.invalid", message: expect.stringContaining(path) as string }) as Error,
  );
});

test("a last evaluation of its own does not go with early stopping", () => {
  const { evaluation } = newRecipe();
  expect(parseRecipe({ ...newRecipe(), evaluation: { ...evaluation, finalRows: 2000 } }).evaluation.finalRows).toBe(
    2000,
  );
  expect(() => parseRecipe({ ...newRecipe(), evaluation: { ...evaluation, finalRows: 2000, patience: 2 } })).toThrow(
    expect.objectContaining({
      code: "recipe.invalid",
      message: expect.stringContaining("finalRows") as string,
    }) as Error,
  );
});

test("an unknown field is refused, not dropped", () => {
  expect(() => parseRecipe({ ...newRecipe(), optimiser: {} })).toThrow(/optimiser/);
});

test.each([null, [], "recipe", 3])("%j is no recipe", (value) => {
  expect(() => parseRecipe(value)).toThrow(expect.objectContaining({ code: "recipe.invalid" }) as Error);
});

test("the field and what is wrong with it are told apart", () => {
  const failure = (value: unknown): unknown => {
    try {
      return parseRecipe(value);
    } catch (error) {
      return error;
    }
  };
  expect(wrongField(failure(withField("optimizer.learningRate", 11)))).toEqual({
    field: "optimizer.learningRate",
    what: say`must be at most ${10}`,
  });
  expect(wrongField(failure(withField("template.prompt", "no placeholder here")))).toEqual({
    field: "template.prompt",
    what: say`{prompt} is missing`,
  });
  expect(wrongField(new Error("other"))).toBeNull();
});

test("prefix and prompt tuning take one text a row", () => {
  const { batching } = newRecipe();
  for (const kind of ["prefix", "prompt"] as const) {
    const recipe = newRecipe({ adaptation: [newMethod("lora"), newMethod(kind)] });
    expect(parseRecipe(recipe)).toEqual(recipe);
    const packed = { ...recipe, batching: { ...batching, mode: "pack" } };
    expect(() => parseRecipe(packed)).toThrow(/^batching\.mode: must be "bucket"/);
  }
  expect(parseRecipe(newRecipe({ batching: { ...batching, mode: "pack" } })).batching.mode).toBe("pack");
});

test("every quickstart is a recipe of its own name", () => {
  for (const name of quickstartNames) {
    const recipe = quickstarts[name]();
    expect(parseRecipe(recipe)).toEqual(recipe);
    expect(recipe.name).toBe(name);
  }
  expect(newLoarRecipe()).toEqual({ ...newRecipe(), name: "loar-quickstart", adaptation: newLoarRecipe().adaptation });
  expect(newLoarRecipe().adaptation.map(({ kind }) => kind)).toEqual(["loar", "lora"]);
});

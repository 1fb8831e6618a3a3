/** @file Ablations: what a variant makes of a recipe, what is refused and by which name, and what stays when more is asked. */

import { expect, test } from "vitest";
import {
  extendAblation,
  newAblation,
  parseAblation,
  parseSeeds,
  parseVariants,
  recipeOf,
  recipeOfCell,
  withCell,
} from "./ablation";
import { presetNames, variantOfWord, variantsOfPreset } from "./ablationVariants";
import { newMethod } from "./adaptation";
import { newRecipe } from "./recipe";

const recipe = newRecipe();
const refused = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string }) as Error;

test("changes are merged field by field, lists are replaced, null removes", () => {
  const changed = recipeOf(
    { ...recipe, precision: "f16" },
    {
      name: "x",
      changes: { optimizer: { learningRate: 1e-3 }, adaptation: [newMethod("bias")], precision: null },
    },
    7,
  );
  const { precision, ...rest } = changed;
  expect(precision).toBeUndefined();
  expect(rest).toEqual({
    ...recipe,
    optimizer: { ...recipe.optimizer, learningRate: 1e-3 },
    adaptation: [newMethod("bias")],
    seed: 7,
  });
});

test.each([
  [{ optimizer: { learningRate: 11 } }, "variant x, optimizer.learningRate"],
  [{ optimiser: {} }, "unknown field optimiser"],
  [{ version: 9 }, "version"],
  [{ optimizer: 3 }, "optimizer"],
])("%j is refused by name", (changes, text) => {
  expect(() => recipeOf(recipe, { name: "x", changes }, 1)).toThrow(refused("ablation.invalid", text));
  expect(() => newAblation({ name: "a", recipe, variants: [{ name: "x", changes }], seeds: [1] })).toThrow(
    refused("ablation.invalid", text),
  );
});

test.each([
  [null, "variants"],
  [[], "variants"],
  [[{ name: "", changes: {} }], "variants.0.name"],
  [[{ name: "a", changes: [] }], "variants.0.changes"],
  [[{ name: "a", change: {} }], "variants.0"],
  [
    [
      { name: "a", changes: {} },
      { name: " a ", changes: {} },
    ],
    "the name a is there twice",
  ],
])("variants %j are refused", (value, text) => {
  expect(() => parseVariants(value)).toThrow(refused("ablation.invalid", text));
});

test.each([[[]], [[1, 1]], [[-1]], [[1.5]], [["1"]], [[2 ** 32]], [null]])("seeds %j are refused", (seeds) => {
  expect(() => parseSeeds(seeds)).toThrow(refused("ablation.invalid", "seeds"));
});

test("too many runs are refused", () => {
  const variants = Array.from({ length: 100 }, (_, i) => ({ name: `v${i}`, changes: {} }));
  const seeds = Array.from({ length: 21 }, (_, i) => i);
  expect(() => newAblation({ name: "a", recipe, variants, seeds })).toThrow(refused("ablation.invalid", "2100"));
});

test("seed comes after seed, and each cell has its recipe", () => {
  const variants = ["lora:4", "full@3e-4"].map((word) => variantOfWord(recipe, word));
  const ablation = newAblation({ name: "two", recipe, variants, seeds: [5, 6] });
  expect(ablation.cells.map(({ variant, seed }) => `${variant} ${seed}`)).toEqual([
    "lora:4 5",
    "full@3e-4 5",
    "lora:4 6",
    "full@3e-4 6",
  ]);
  expect(recipeOfCell(ablation, { variant: "full@3e-4", seed: 6 })).toMatchObject({
    name: "two · full@3e-4 · 6",
    seed: 6,
    adaptation: [{ kind: "full" }],
    optimizer: { learningRate: 3e-4, weightDecay: 0 },
  });
  expect(() => recipeOfCell(ablation, { variant: "bias", seed: 6 })).toThrow(refused("ablation.invalid", "bias"));
});

test("more variants and seeds leave what has run; another recipe or another variant of a name is refused", () => {
  const [first, second] = ["lora:4", "bias"].map((word) => variantOfWord(recipe, word));
  const wish = { name: "a", recipe, variants: [first!], seeds: [1] };
  const begun = withCell(newAblation(wish), { variant: "lora:4", seed: 1 }, { run: "run:one" });
  const more = extendAblation(begun, { recipe, variants: [second!], seeds: [2] });
  expect(more.cells).toEqual([
    { variant: "lora:4", seed: 1, run: "run:one", isLeftOut: false },
    { variant: "bias", seed: 1, run: null, isLeftOut: false },
    { variant: "lora:4", seed: 2, run: null, isLeftOut: false },
    { variant: "bias", seed: 2, run: null, isLeftOut: false },
  ]);
  expect(more.id).toBe(begun.id);
  const other = { ...first!, changes: { adaptation: [newMethod("lora", { rank: 3 })] } };
  expect(() => extendAblation(begun, { recipe, variants: [other], seeds: [1] })).toThrow(
    refused("ablation.invalid", "lora:4"),
  );
  const changed = { ...recipe, schedule: { ...recipe.schedule, steps: 7 } };
  expect(() => extendAblation(begun, { recipe: changed, variants: [first!], seeds: [1] })).toThrow(
    refused("ablation.invalid", "recipe"),
  );
});

test("words say methods, one setting each, and a learning rate", () => {
  const lora = newMethod("lora", { targetModules: ["q_proj"] });
  const of = (word: string) => variantOfWord({ ...recipe, adaptation: [lora] }, word).changes;
  expect(of("lora:4")).toEqual({ adaptation: [{ ...lora, rank: 4, alpha: 8 }] });
  expect(of("loar+lora")).toEqual({ adaptation: [newMethod("loar"), lora] });
  expect(of("loar:hard+lora@2e-3")).toEqual({ adaptation: [newMethod("loar", { mode: "hard" }), lora] });
  expect(of("last:3@5e-4")).toEqual({
    adaptation: [newMethod("last", { layers: 3 })],
    optimizer: { learningRate: 5e-4 },
  });
  const rateOf = (word: string) => recipeOf(recipe, variantOfWord(recipe, word), 1).optimizer.learningRate;
  expect(rateOf("full")).toBeLessThan(rateOf("lora"));
  const changed = { ...recipe, optimizer: { ...recipe.optimizer, learningRate: 1.5e-3 } };
  expect(variantOfWord(changed, "full").changes).toEqual({ adaptation: [newMethod("full")] });
  const packed = { ...recipe, batching: { ...recipe.batching, mode: "pack" } } as const;
  expect(recipeOf(packed, variantOfWord(packed, "prompt"), 1).batching.mode).toBe("bucket");
  expect(recipeOf(recipe, variantOfWord(recipe, "base"), 1).optimizer.learningRate).toBe(0);
});

test.each([
  ["", "is no method"],
  ["rola", "rola is no method"],
  ["lora:", "is no whole number"],
  ["lora:0", "is no whole number"],
  ["lora:2:3", "is no method"],
  ["loar:4", "soft, hard"],
  ["bias:4", "takes no number"],
  ["lora+full", "full does not go with lora"],
  ["lora+lora", "lora does not go with lora"],
  ["lora@", "learning rate"],
  ["lora@fast", "learning rate"],
  ["lora@1@2", "learning rate"],
  ["base+lora", "base is no method"],
])("the word %j is refused", (word, text) => {
  expect(() => variantOfWord(recipe, word)).toThrow(refused("ablation.invalid", text));
});

test.each(presetNames)("every variant of the preset %s is a recipe", (preset) => {
  const variants = variantsOfPreset(recipe, preset, 4);
  const { cells } = newAblation({ name: preset, recipe, variants, seeds: [1] });
  expect(cells).toHaveLength(variants.length);
});

test("a record survives JSON; one that is cut or strange is refused", () => {
  const variants = [variantOfWord(recipe, "lora")];
  const ablation = newAblation({ name: "a", recipe, variants, seeds: [1] });
  const stored = JSON.parse(JSON.stringify(ablation)) as Record<string, unknown>;
  expect(parseAblation(stored)).toEqual(ablation);
  for (const wrong of [null, {}, { ...stored, version: 2 }, { ...stored, cells: [{ variant: "a" }] }]) {
    expect(() => parseAblation(wrong)).toThrow(refused("storage.failed", "comparison"));
  }
});

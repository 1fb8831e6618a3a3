/** @file An ablation: one recipe, changed in several ways, each trained with several seeds. Its record, defaults, validator. */

import * as z from "zod/mini";
import { StudioError } from "./errors";
import { type Id, newId, type RunId } from "./ids";
import { parseRecipe, type Recipe, wrongField } from "./recipe";
import { type Said, say } from "./say";
import { type Millis, millis } from "./units";

export type AblationId = Id<"ablation">;

const variantSchema = z.strictObject({
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(60)),
  /** A merge patch of the recipe (RFC 7396): objects are merged, all else is replaced, null removes. */
  changes: z.record(z.string(), z.unknown()),
});

export type Variant = z.infer<typeof variantSchema>;

/** Known of a variant before it trains. */
export type VariantFigures = {
  /** Numbers that are trained, of so many that the base has. */
  trained: number;
  parameters: number;
  /** Bytes at the peak, as the plan has them. */
  memory: number;
  /** Bytes of the file that holds what was trained, in f32. */
  file: number;
};

/** One run of the table. `run` is null until it has begun. */
export type Cell = { variant: string; seed: number; run: RunId | null; isLeftOut: boolean };

export type Ablation = {
  id: AblationId;
  version: 1;
  name: string;
  createdAt: Millis;
  recipe: Recipe;
  /** The first is what the others are compared with. */
  variants: Variant[];
  seeds: number[];
  /** In the order in which they run: seed after seed, so that a first table is there early. */
  cells: Cell[];
  figures: Record<string, VariantFigures>;
  /** What was asked of the queue last; a queue without cells left is at its end, whatever was asked. */
  queue: "going" | "paused" | "stopped";
};

export const maximumCells = 2000;
const seedsSchema = z.array(z.int().check(z.gte(0), z.lte(4_294_967_295))).check(z.minLength(1), z.maxLength(1000));
const variantsSchema = z.array(variantSchema).check(z.minLength(1), z.maxLength(200));

const invalid = (where: Said, what: Said) => new StudioError("ablation.invalid", say`${where}: ${what}`);

/** Variants as a file or a form has them. Throws `ablation.invalid`, naming the place; what they make of a recipe is `recipeOf`'s to say. */
export function parseVariants(value: unknown): Variant[] {
  const result = variantsSchema.safeParse(value, { jitless: true });
  if (!result.success) {
    const path = result.error.issues[0]?.path.join(".") ?? "";
    throw invalid(
      say`variants${path === "" ? "" : `.${path}`}`,
      say`expected a list of {"name": …, "changes": {…}} with 1 to 200 entries`,
    );
  }
  const names = result.data.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(say`variants`, say`the name ${twice} is there twice`);
  return result.data;
}

/** Throws `ablation.invalid`. */
export function parseSeeds(value: unknown): number[] {
  const result = seedsSchema.safeParse(value, { jitless: true });
  if (!result.success) throw invalid(say`seeds`, say`expected 1 to 1000 whole numbers from 0 to 4294967295`);
  if (new Set(result.data).size !== result.data.length) throw invalid(say`seeds`, say`a seed is there twice`);
  return result.data;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else Object.defineProperty(result, key, { value: merged(result[key], value), ...plain });
  }
  return result;
}

/** So that a key `__proto__` of a file is a key like others, for the recipe's validator to refuse. */
const plain = { enumerable: true, configurable: true, writable: true };

/** The recipe of a variant with this seed. Throws `ablation.invalid`, naming the variant and the field. */
export function recipeOf(recipe: Recipe, { name, changes }: Variant, seed: number): Recipe {
  try {
    return parseRecipe({ ...(merged(recipe, changes) as object), seed });
  } catch (error) {
    const wrong = wrongField(error);
    if (!wrong) throw error;
    throw invalid(say`variant ${name}, ${wrong.field}`, wrong.what);
  }
}

const cellKey = ({ variant, seed }: Pick<Cell, "variant" | "seed">) => `${seed} ${variant}`;

function newCells(variants: readonly Variant[], seeds: readonly number[], old: readonly Cell[]): Cell[] {
  if (variants.length * seeds.length > maximumCells) {
    throw invalid(say`seeds`, say`${variants.length * seeds.length} runs are more than ${maximumCells}`);
  }
  const known = new Map(old.map((cell) => [cellKey(cell), cell]));
  return seeds.flatMap((seed) =>
    variants.map(
      ({ name: variant }) => known.get(cellKey({ variant, seed })) ?? { variant, seed, run: null, isLeftOut: false },
    ),
  );
}

type Wish = { name: string; recipe: Recipe; variants: Variant[]; seeds: number[] };

/** Throws `ablation.invalid` where a variant, a seed or what they make of the recipe is wrong. */
export function newAblation({ name, recipe, variants, seeds }: Wish): Ablation {
  const [all, draws] = [parseVariants(variants), parseSeeds(seeds)];
  for (const variant of all) recipeOf(recipe, variant, draws[0] ?? 0);
  return {
    id: newId("ablation"),
    version: 1,
    name,
    createdAt: millis(Date.now()),
    recipe: parseRecipe(recipe),
    variants: all,
    seeds: draws,
    cells: newCells(all, draws, []),
    figures: {},
    queue: "going",
  };
}

/**
 * The ablation with further variants and seeds; what it has stays. Throws `ablation.invalid` where the recipe or a
 * variant of the same name is another.
 */
export function extendAblation(ablation: Ablation, { recipe, variants, seeds }: Omit<Wish, "name">): Ablation {
  if (JSON.stringify(parseRecipe(recipe)) !== JSON.stringify(ablation.recipe)) {
    throw invalid(say`recipe`, say`${ablation.name} was begun with another one`);
  }
  const known = new Map(ablation.variants.map((variant) => [variant.name, variant]));
  const other = variants.find(({ name, changes }) => {
    const same = known.get(name);
    return same && JSON.stringify(same.changes) !== JSON.stringify(changes);
  });
  if (other) throw invalid(say`variant ${other.name}`, say`${ablation.name} has another one of this name`);
  const all = parseVariants([...ablation.variants, ...variants.filter(({ name }) => !known.has(name))]);
  const draws = [...ablation.seeds, ...parseSeeds(seeds).filter((seed) => !ablation.seeds.includes(seed))];
  for (const variant of all) recipeOf(recipe, variant, draws[0] ?? 0);
  return { ...ablation, variants: all, seeds: draws, cells: newCells(all, draws, ablation.cells) };
}

/** The ablation with this cell changed. */
export function withCell(
  ablation: Ablation,
  place: Pick<Cell, "variant" | "seed">,
  changes: Partial<Pick<Cell, "run" | "isLeftOut">>,
): Ablation {
  const cells = ablation.cells.map((cell) => (cellKey(cell) === cellKey(place) ? { ...cell, ...changes } : cell));
  return { ...ablation, cells };
}

/** A cell's own recipe, named after the cell. Throws `ablation.invalid`. */
export function recipeOfCell(ablation: Ablation, { variant: name, seed }: Pick<Cell, "variant" | "seed">): Recipe {
  const variant = ablation.variants.find((candidate) => candidate.name === name);
  if (!variant) throw invalid(say`cells`, say`there is no variant ${name}`);
  return { ...recipeOf(ablation.recipe, variant, seed), name: runNameOf(ablation, { variant: name, seed }) };
}

/** What a cell's run is called. */
export const runNameOf = ({ name }: Pick<Ablation, "name">, { variant, seed }: Pick<Cell, "variant" | "seed">) =>
  `${name} · ${variant} · ${seed}`.slice(0, 120);

const recordSchema = z.object({
  id: z.templateLiteral(["ablation:", z.string()]),
  version: z.literal(1),
  name: z.string(),
  createdAt: z.number(),
  recipe: z.unknown(),
  variants: z.unknown(),
  seeds: z.unknown(),
  cells: z.array(
    z.object({
      variant: z.string(),
      seed: z.number(),
      run: z.nullable(z.templateLiteral(["run:", z.string()])),
      isLeftOut: z.boolean(),
    }),
  ),
  figures: z.record(
    z.string(),
    z.object({ trained: z.number(), parameters: z.number(), memory: z.number(), file: z.number() }),
  ),
  queue: z.enum(["going", "paused", "stopped"]),
});

/** Brings a stored record to the present shape, or throws `storage.failed`. */
export function parseAblation(stored: unknown): Ablation {
  const result = recordSchema.safeParse(stored, { jitless: true });
  if (!result.success) {
    const place = result.error.issues[0]?.path.join(".") ?? "";
    throw new StudioError("storage.failed", say`The record of a comparison is unreadable at ${place || "its root"}`);
  }
  const { data } = result;
  return {
    ...data,
    createdAt: millis(data.createdAt),
    recipe: parseRecipe(data.recipe),
    variants: parseVariants(data.variants),
    seeds: parseSeeds(data.seeds),
  };
}

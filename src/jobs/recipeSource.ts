/** @file The rows a recipe names, in the browser: read once, kept while recipes name the same. */

import type { Example } from "../core/dataset";
import { StudioError } from "../core/errors";
import type { DatasetId } from "../core/ids";
import { lossOnOf, rowsOf } from "../core/objective";
import type { Recipe } from "../core/recipe";
import { say } from "../core/say";
import { toExample } from "../data/example";
import type { Tokenizer } from "../data/tokenizer";
import { getDataset, readRows } from "../storage/datasets";
import { loadDatasetSource, loadEmbeddedSource, type ReadAsset } from "./loadSource";
import { type Lengths, measureLengths } from "./planRows";
import { type Source, splitSource } from "./prepareData";

export type RecipeSource = ReturnType<typeof newRecipeSource>;

function datasetOf(recipe: Recipe): DatasetId {
  const { source } = recipe.data;
  if (!source.startsWith("dataset:")) throw new StudioError("dataset.missing", say`There is no data set ${source}`);
  return source as DatasetId;
}

export function newRecipeSource(read: ReadAsset) {
  let rows: { name: string; source: Source } | null = null;
  let lengths: { key: string; found: Lengths } | null = null;

  const load = async (recipe: Recipe, signal: AbortSignal): Promise<Source> => {
    const name = recipe.data.source;
    if (rows?.name === name) return rows.source;
    const source =
      name === "embedded" ? await loadEmbeddedSource(read) : await loadDatasetSource(datasetOf(recipe), signal);
    rows = { name, source };
    return source;
  };

  return {
    /** Throws `dataset.missing`, and the signal's reason when aborted. */
    load,

    /** The row as it stands in the data set; undefined beyond its end. Reads no other row of a stored data set. */
    row: async (recipe: Recipe, row: number, signal: AbortSignal): Promise<Example | undefined> => {
      if (recipe.data.source === "embedded" || rows?.name === recipe.data.source) {
        return (await load(recipe, signal)).examples[row];
      }
      const id = datasetOf(recipe);
      const { mapping } = await getDataset(id);
      const [found] = await readRows(id, row, 1);
      return found && toExample(found, mapping);
    },

    /** Token counts of the training rows, kept while only numbers of the recipe change that they do not depend on. */
    lengths: async (recipe: Recipe, source: Source, tokenizer: Tokenizer, signal: AbortSignal): Promise<Lengths> => {
      const { model, data, template, objective, seed } = recipe;
      const read = [rowsOf(objective), lossOnOf(objective), objective.kind === "sft"];
      const key = JSON.stringify([model, data, template, read, source.heldout ? 0 : seed]);
      if (lengths?.key !== key) {
        const { train } = splitSource(source, recipe);
        lengths = { key, found: await measureLengths(train, recipe, tokenizer, signal) };
      }
      return lengths.found;
    },

    /** A data set is gone. */
    forget: () => {
      rows = null;
      lengths = null;
    },
  };
}

/** @file By hand: where the final answer of a stored row begins, kept in the row itself. */

import { type Dataset, finalStartColumn } from "../core/dataset";
import { StudioError } from "../core/errors";
import type { DatasetId } from "../core/ids";
import type { ModelConfig } from "../core/model";
import type { Recipe } from "../core/recipe";
import { say } from "../core/say";
import { toExample } from "../data/example";
import { finalStartAt } from "../data/solutionParts";
import type { Tokenizer } from "../data/tokenizer";
import { editRow } from "../storage/datasets";
import { contextOf, newMarkedDocument } from "./prepareData";

type Mark = { recipe: Recipe; row: number; token: number | null };

/**
 * `token` counts from the first of the row's document under the recipe; null takes the mark away. A data set that names
 * no column for it is given one.
 * @throws `dataset.missing`, `dataset.row` for a row without an answer, and what storage throws.
 */
export async function markFinal(
  { recipe, row: index, token }: Mark,
  model: { config: ModelConfig; tokenizer: Tokenizer },
): Promise<Dataset> {
  const { source } = recipe.data;
  if (!source.startsWith("dataset:"))
    throw new StudioError(
      "dataset.missing",
      say`The embedded rows stay as they are: save them as JSONL and import that`,
    );
  const context = contextOf(recipe, model.config);
  return editRow(source as DatasetId, index, (dataset, row) => {
    const column = dataset.mapping.finalStart ?? finalStartColumn;
    const mapping = { ...dataset.mapping, finalStart: column };
    const { [column]: _before, ...others } = row;
    if (token === null) return { dataset, row: others };
    const example = toExample(others, mapping);
    const document = newMarkedDocument(example, recipe, model.tokenizer, context, null);
    const marked = { ...others, [column]: finalStartAt(document, token, example, model.tokenizer) };
    const columns = [...new Set([...dataset.columns, column])];
    return { dataset: { ...dataset, columns, mapping }, row: marked };
  });
}

/** @file The objective of the recipe being written: chosen, changed, and held against the data set's rows. */

import type { Mapping } from "../../core/dataset";
import type { ObjectiveKind, ObjectiveOf } from "../../core/objective";
import { beginObjective, recipeForObjective } from "../../core/recipeForObjective";
import { datasetOf, useDatasets } from "../../state/datasets";
import { changeRecipe } from "../../state/studio";

/** How the rows of the recipe's data set are read, where it is known. */
export function useMapping(source: string): Mapping | undefined {
  return useDatasets((state) => (state.status === "ready" ? datasetOf(source, state.datasets)?.mapping : undefined));
}

export function chooseObjective(kind: ObjectiveKind, mapping: Mapping | undefined) {
  changeRecipe((draft) =>
    draft.objective.kind === kind ? draft : recipeForObjective(draft, beginObjective(kind, draft.objective, mapping)),
  );
}

/** Changes some fields of the objective, where it is of this kind. */
export function changeObjective<K extends ObjectiveKind>(kind: K, fields: Partial<ObjectiveOf<K>>) {
  changeRecipe((draft) =>
    draft.objective.kind === kind ? { ...draft, objective: { ...draft.objective, ...fields } } : draft,
  );
}

/** @file The objective of the recipe being written: chosen, changed, and held against the data set's rows. */

import type { Mapping } from "../../core/dataset";
import type { ObjectiveKind, ObjectiveOf } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import { beginObjective, recipeForObjective } from "../../core/recipeForObjective";
import { datasetOf, useDatasets } from "../../state/datasets";
import { modelOf, useModels } from "../../state/models";
import { changeRecipe } from "../../state/studio";

/** How the rows of the recipe's data set are read, where it is known. */
export function useMapping(source: string): Mapping | undefined {
  return useDatasets((state) => (state.status === "ready" ? datasetOf(source, state.datasets)?.mapping : undefined));
}

/** Numbers of the model that a recipe names, which settings follow; undefined where it is not known. */
export function parametersOf({ model }: Pick<Recipe, "model">): number | undefined {
  const state = useModels.getState();
  return state.status === "ready" ? modelOf(model, state.models)?.facts?.parameters : undefined;
}

export function chooseObjective(kind: ObjectiveKind, mapping: Mapping | undefined) {
  changeRecipe((draft) => {
    if (draft.objective.kind === kind) return draft;
    const parameters = parametersOf(draft);
    return recipeForObjective(draft, beginObjective(kind, draft.objective, mapping, parameters), parameters);
  });
}

/** Changes some fields of the objective, where it is of this kind. */
export function changeObjective<K extends ObjectiveKind>(kind: K, fields: Partial<ObjectiveOf<K>>) {
  changeRecipe((draft) =>
    draft.objective.kind === kind ? { ...draft, objective: { ...draft.objective, ...fields } } : draft,
  );
}

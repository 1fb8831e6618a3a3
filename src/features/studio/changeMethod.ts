/** @file Changes some fields of one method of the recipe being written. */

import type { MethodKind, MethodOf } from "../../core/adaptation";
import { changeRecipe } from "../../state/studio";

export function changeMethod<K extends MethodKind>(kind: K, fields: Partial<MethodOf<K>>) {
  changeRecipe((draft) => ({
    ...draft,
    adaptation: draft.adaptation.map((method) => (method.kind === kind ? { ...method, ...fields } : method)),
  }));
}

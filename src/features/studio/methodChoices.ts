/** @file The methods as the studio's picker offers them, the usual first, and what choosing one does to the recipe. */

import {
  type Adaptation,
  biasableNames,
  canJoin,
  type Method,
  type MethodKind,
  type MethodOf,
  methodKinds,
  methodOf,
  newMethod,
} from "../../core/adaptation";
import type { ModelConfig } from "../../core/model";
import { recipeForMethods } from "../../core/modelRecipe";
import { modelOf, useModels } from "../../state/models";
import { changeRecipe } from "../../state/studio";

export const methodChoices = [
  "lora",
  "loarLora",
  "loar",
  "dora",
  "full",
  "last",
  "bias",
  "prefix",
  "prompt",
  "bottleneck",
  "ia3",
] as const;
export type MethodChoice = (typeof methodChoices)[number];

/** The method as the recipe has it already, or as people begin with it. */
const kept = <K extends MethodKind>(adaptation: Adaptation, kind: K): MethodOf<K> =>
  methodOf(adaptation, kind) ?? newMethod(kind);

/** What a choice stands for; settings that the recipe has of these methods stay. */
export function methodsFor(choice: MethodChoice, adaptation: Adaptation): Adaptation {
  if (choice === "loarLora") return [kept(adaptation, "loar"), { ...kept(adaptation, "lora"), dora: false }];
  if (choice === "lora" || choice === "dora") return [{ ...kept(adaptation, "lora"), dora: choice === "dora" }];
  return [kept(adaptation, choice)];
}

/** The choice that these methods are, or null where the picker offers no such. */
export function choiceOf(adaptation: Adaptation): MethodChoice | null {
  const [first] = adaptation;
  if (adaptation.length === 2 && methodOf(adaptation, "loar") && methodOf(adaptation, "lora")?.dora === false)
    return "loarLora";
  if (!first || adaptation.length > 1) return null;
  if (first.kind === "head") return null;
  return first.kind === "lora" && first.dora ? "dora" : first.kind;
}

/** Whether the model has what this kind trains; a model that is not known yet may. */
export const fits = (kind: MethodKind, config: ModelConfig | undefined): boolean =>
  kind !== "bias" || !config || biasableNames(config).length > 0;

/** The kinds that can join these methods. */
export const joinable = (adaptation: Adaptation, config: ModelConfig | undefined): MethodKind[] =>
  methodKinds.filter((kind) => canJoin(adaptation, kind) && fits(kind, config));

/** The shape of the model that a recipe names, where it is known. */
export function useModelConfig(model: string): ModelConfig | undefined {
  return useModels((state) => (state.status === "ready" ? modelOf(model, state.models)?.facts?.config : undefined));
}

/** Changes which methods the recipe has, and what follows from that. */
export function changeMethods(change: (adaptation: Adaptation) => Adaptation) {
  const models = useModels.getState();
  changeRecipe((draft) => {
    const config = models.status === "ready" ? modelOf(draft.model, models.models)?.facts?.config : undefined;
    return recipeForMethods(draft, change(draft.adaptation), config);
  });
}

export const joinMethod = (kind: MethodKind) => changeMethods((adaptation) => [...adaptation, newMethod(kind)]);
export const leaveMethod = (kind: MethodKind) =>
  changeMethods((adaptation) => adaptation.filter((method: Method) => method.kind !== kind));

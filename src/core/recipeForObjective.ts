/** @file What objectives need of the rows, and what choosing one does to the rest of the recipe. */

import type { Mapping } from "./dataset";
import { isPolicy, newObjective, newSampledPairs, type Objective, type ObjectiveKind, rowsOf } from "./objective";
import { newRecipe, quickstarts, type Recipe } from "./recipe";
import type { Run } from "./run";

/** What the rows of a data set lack for an objective: another answer, a judgement, or a question. */
export type Lack = "pairs" | "judged" | "prompts";

/** Null where the rows have what it learns from, and where they are not known. */
export function lackOf(objective: Objective, mapping: Mapping | undefined): Lack | null {
  if (!mapping) return null;
  const { format } = mapping;
  switch (rowsOf(objective)) {
    case "pairs":
      return format === "preference" ? null : "pairs";
    case "judged":
      return format === "unpaired" ? null : "judged";
    case "prompts":
      return format === "text" ? "prompts" : null;
    case "answers":
      return null;
  }
}

/**
 * An objective as people begin with it on such rows: what two of a kind share is kept, and where no answer was rejected,
 * preferences are between the model's own.
 */
export function beginObjective(kind: ObjectiveKind, before: Objective, mapping: Mapping | undefined): Objective {
  const begun: Objective = newObjective(kind);
  if (begun.kind === "dpo" && lackOf(begun, mapping)) return { ...begun, sampled: newSampledPairs() };
  if (!isPolicy(begun) || !isPolicy(before)) return begun;
  const { prompts, completions, sampling, rewards } = before;
  return { ...begun, prompts, completions, sampling, rewards };
}

/** The learning rate of each as a share of imitation's: what compares answers moves a model further than what copies them. */
const rateShares: Record<ObjectiveKind, number> = {
  sft: 1,
  dpo: 0.25,
  kto: 0.25,
  reward: 1,
  grpo: 0.5,
  ppo: 0.5,
  rejection: 0.5,
};

/** The embedded recipe that has such an objective, or the nearest to it. */
function usualOf(objective: Objective): Recipe {
  if (objective.kind === "dpo" && objective.sampled) return quickstarts["dpo-quickstart"]();
  if (objective.kind === "ppo") return quickstarts["ppo-quickstart"]();
  return isPolicy(objective) ? quickstarts["grpo-quickstart"]() : newRecipe();
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * The recipe with another objective. The learning rate keeps its proportion; a schedule and evaluations that nobody has
 * changed follow, and what learns from the model's own answers begins with imitation on the embedded model, which cannot
 * answer at all.
 */
export function recipeForObjective(recipe: Recipe, objective: Objective): Recipe {
  const { sftFirst, ...rest } = recipe;
  const { schedule, evaluation, optimizer, batching } = recipe;
  const [from, to] = [usualOf(recipe.objective), usualOf(objective)];
  const rate = (optimizer.learningRate * rateShares[objective.kind]) / rateShares[recipe.objective.kind];
  const isNew = from.sftFirst === undefined && recipe.model === to.model;
  const first = to.sftFirst && (isNew ? to.sftFirst : sftFirst);
  const kind = schedule.kind === from.schedule.kind ? to.schedule.kind : schedule.kind;
  return {
    ...rest,
    objective,
    ...(first ? { sftFirst: first } : {}),
    batching: objective.kind === "sft" ? batching : { ...batching, mode: "bucket" },
    optimizer: { ...optimizer, learningRate: Number(rate.toPrecision(10)) },
    schedule: isSame(schedule, from.schedule) ? to.schedule : { ...schedule, kind },
    evaluation: isSame(evaluation, from.evaluation) ? to.evaluation : evaluation,
  };
}

/**
 * A recipe for rewards that sets out from what a run has trained: its model, its rows, its adapter, and no imitation first, as
 * that is behind it. An objective that already learns from rewards stays.
 */
export function recipeFromRun({ id, recipe }: Pick<Run, "id" | "recipe">): Recipe {
  const { sftFirst: _, ...behind } = recipe;
  const objective = isPolicy(recipe.objective) ? recipe.objective : newObjective("grpo");
  const { sftFirst: __, ...begun } = recipeForObjective(behind, objective);
  return { ...begun, name: `${recipe.name}-rewards`.slice(0, 120), start: id };
}

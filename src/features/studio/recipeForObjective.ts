/** @file What objectives need of the rows, and what choosing one does to the rest of the recipe. */

import type { Mapping } from "../../core/dataset";
import {
  isPolicy,
  newObjective,
  newSampledPairs,
  type Objective,
  type ObjectiveKind,
  rowsOf,
} from "../../core/objective";
import { newGrpoRecipe, newRecipe, type Recipe } from "../../core/recipe";

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
  dpo: 0.1,
  kto: 0.1,
  reward: 1,
  grpo: 0.5,
  ppo: 0.5,
  rejection: 0.5,
};

const isWriting = (objective: Objective) => rowsOf(objective) === "prompts";
const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * The recipe with another objective. The learning rate keeps its proportion; a schedule and evaluations that nobody has
 * changed follow, and what learns from the model's own answers begins with imitation on the embedded model, which cannot
 * answer at all.
 */
export function recipeForObjective(recipe: Recipe, objective: Objective): Recipe {
  const { sftFirst, ...rest } = recipe;
  const [plain, rewarded] = [newRecipe(), newGrpoRecipe()];
  const [from, to] = isPolicy(objective) ? [plain, rewarded] : [rewarded, plain];
  const rate = (recipe.optimizer.learningRate * rateShares[objective.kind]) / rateShares[recipe.objective.kind];
  const first = isWriting(objective)
    ? isWriting(recipe.objective) || recipe.model !== plain.model
      ? sftFirst
      : rewarded.sftFirst
    : undefined;
  const { schedule } = recipe;
  return {
    ...rest,
    objective,
    ...(first ? { sftFirst: first } : {}),
    batching: objective.kind === "sft" ? recipe.batching : { ...recipe.batching, mode: "bucket" },
    optimizer: { ...recipe.optimizer, learningRate: Number(rate.toPrecision(10)) },
    schedule: isSame(schedule, from.schedule)
      ? to.schedule
      : isPolicy(objective) === isPolicy(recipe.objective)
        ? schedule
        : { ...schedule, kind: to.schedule.kind },
    evaluation: isSame(recipe.evaluation, from.evaluation) ? to.evaluation : recipe.evaluation,
  };
}

/** @file What objectives need of the rows, and what choosing one does to the rest of the recipe. */

import type { Mapping } from "./dataset";
import { firstImitation, firstObjective, firstSettings, isSame, large, type Settings, usualOf } from "./firstSettings";
import { isPolicy, newObjective, newSampledPairs, type Objective, type ObjectiveKind, rowsOf } from "./objective";
import type { Recipe } from "./recipe";
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
 * An objective as people begin with it on such rows and a model of so many parameters: what two of a kind share is kept, and where no answer was rejected,
 * preferences are between the model's own.
 */
export function beginObjective(
  kind: ObjectiveKind,
  before: Objective,
  mapping: Mapping | undefined,
  parameters = 0,
): Objective {
  const plain: Objective = newObjective(kind);
  const isOwn = plain.kind === "dpo" && lackOf(plain, mapping) !== null;
  const begun = firstObjective(isOwn ? { ...plain, sampled: newSampledPairs() } : plain, parameters);
  if (!isPolicy(begun) || !isPolicy(before)) return begun;
  const { prompts, completions, sampling, rewards } = before;
  return { ...begun, prompts, completions, sampling, rewards };
}

/** What is known of a model's size where only its name is. */
const sizeOf = ({ model }: Recipe) => (model === "embedded" ? 0 : large);

/**
 * The recipe with another objective, on a model of so many parameters. The learning rate keeps its proportion; what nobody
 * has changed follows, and what learns from the model's own answers begins with imitation on the embedded model, which
 * cannot answer at all.
 */
export function recipeForObjective(recipe: Recipe, objective: Objective, parameters = sizeOf(recipe)): Recipe {
  const { sftFirst, ...rest } = recipe;
  const { schedule, evaluation, optimizer, batching, adaptation } = recipe;
  const [from, to] = [recipe, { adaptation, objective }].map((goal) => firstSettings(goal, parameters)) as [
    Settings,
    Settings,
  ];
  const rate = optimizer.learningRate * (to.optimizer.learningRate / from.optimizer.learningRate);
  const usual = usualOf(objective);
  const isNew = usualOf(recipe.objective).sftFirst === undefined && recipe.model === usual.model;
  const first = usual.sftFirst && (isNew ? firstImitation(adaptation, parameters) : sftFirst);
  const kind = schedule.kind === from.schedule.kind ? to.schedule.kind : schedule.kind;
  const kept = isSame(batching, from.batching) ? to.batching : batching;
  return {
    ...rest,
    objective,
    ...(first ? { sftFirst: first } : {}),
    batching: objective.kind === "sft" ? kept : { ...kept, mode: "bucket" },
    optimizer: { ...optimizer, learningRate: Number(rate.toPrecision(10)) },
    schedule: isSame(schedule, from.schedule) ? to.schedule : { ...schedule, kind },
    evaluation: isSame(evaluation, from.evaluation) ? to.evaluation : evaluation,
  };
}

/** Imitation of a few hundred answers, then GRPO on what is left: DeepSeek-R1's order, on any model. */
export function recipeThenRewards(recipe: Recipe, parameters = sizeOf(recipe)): Recipe {
  const { start: _, ...fresh } = recipe;
  const begun = recipeForObjective(fresh, firstObjective(newObjective("grpo"), parameters), parameters);
  return { ...begun, sftFirst: firstImitation(recipe.adaptation, parameters) };
}

/**
 * A recipe for rewards that sets out from what a run has trained: its model, its rows, its adapter, and no imitation first, as
 * that is behind it. An objective that already learns from rewards stays.
 */
export function recipeFromRun({ id, recipe }: Pick<Run, "id" | "recipe">): Recipe {
  const { sftFirst: _, ...behind } = recipe;
  const objective = isPolicy(recipe.objective)
    ? recipe.objective
    : firstObjective(newObjective("grpo"), sizeOf(recipe));
  const { sftFirst: __, ...begun } = recipeForObjective(behind, objective);
  return { ...begun, name: `${recipe.name}-rewards`.slice(0, 120), start: id };
}

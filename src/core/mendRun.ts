/** @file A run whose own rewards are mended: the one change that a run takes on its way, and it is kept in its record. */

import { StudioError } from "./errors";
import type { RewardChange } from "./metrics";
import { type Objective, rewardsOf } from "./objective";
import { parseRecipe, type Recipe } from "./recipe";
import { type Reward, rewardNames } from "./reward";
import type { Run } from "./run";
import { say } from "./say";

/** The objective with other rewards; one that has none stays as it is. */
export function withRewards(objective: Objective, rewards: Reward[]): Objective {
  if (objective.kind === "dpo")
    return objective.sampled ? { ...objective, sampled: { ...objective.sampled, rewards } } : objective;
  return "rewards" in objective ? { ...objective, rewards } : objective;
}

const withoutCode = (recipe: Recipe): Recipe => {
  const rewards = rewardsOf(recipe.objective) ?? [];
  const bare = rewards.map((reward) => (reward.kind === "own" ? { ...reward, code: "" } : reward));
  return { ...recipe, objective: withRewards(recipe.objective, bare) };
};

/** The first field that two values do not share, as a path; null where there is none. */
function firstDifference(a: unknown, b: unknown, at: string): string | null {
  if (Object.is(a, b)) return null;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return at;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const found = firstDifference(left[key], right[key], at === "" ? key : `${at}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/**
 * The run with the code of its own rewards as `mended` has it, and what of it has changed; it goes on from its checkpoint.
 * Throws `recipe.invalid` where anything else differs: that would be another run.
 */
export function mendRun(run: Run, mended: unknown): { run: Run; changes: RewardChange[] } {
  const recipe = parseRecipe(mended);
  const field = firstDifference(withoutCode(run.recipe), withoutCode(recipe), "");
  if (field !== null) {
    throw new StudioError("recipe.invalid", say`${field}: ${say`only the code of a reward can change within a run`}`);
  }
  const [before, after] = [rewardsOf(run.recipe.objective) ?? [], rewardsOf(recipe.objective) ?? []];
  const names = rewardNames(before);
  const changes = before.flatMap((old, i): RewardChange[] => {
    const now = after[i];
    if (old.kind !== "own" || now?.kind !== "own" || old.code === now.code) return [];
    return [{ step: run.checkpoint, name: names[i] ?? old.name, before: old.code, after: now.code }];
  });
  if (changes.length === 0) return { run, changes };
  return { run: { ...run, recipe, changes: [...(run.changes ?? []), ...changes] }, changes };
}

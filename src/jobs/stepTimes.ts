/** @file How fast this machine is at a recipe's work, from what was measured on it: before a run, and by the steps of runs. */

import type { StepMetrics } from "../core/metrics";
import type { Recipe } from "../core/recipe";
import type { Run } from "../core/run";
import type { MeasuredSpeeds } from "./measureSpeed";
import { type Speeds, writtenOf } from "./planTime";

/** Steps before a stored run's mean can be trusted. */
const enoughSteps = 5;

type Key = (recipe: Recipe, backend: string) => string;

/** What the speed of training depends on, its number of tokens apart. */
const kindOf: Key = ({ model, precision, adaptation }, backend) =>
  JSON.stringify([backend, model, precision, adaptation]);
const workOf = ({ batching, data, template }: Recipe) => JSON.stringify([batching, data.source, template]);
/** What the time of a step depends on where the model's own answers or pairs of them are learnt from. */
const ownKindOf: Key = (recipe, backend) =>
  JSON.stringify([kindOf(recipe, backend), workOf(recipe), recipe.objective, recipe.sftFirst !== undefined]);

/** What the speed of writing depends on: by how many answers at once. */
const writingOf: Key = (recipe, backend) => {
  const { completions, prompts } = writtenOf(recipe.objective) ?? {};
  return JSON.stringify([kindOf(recipe, backend), completions, prompts]);
};

/** The same with a later value counting for a fifth. */
const smoothed = (old: number | undefined, value: number) => (old === undefined ? value : 0.8 * old + 0.2 * value);

export function newStepTimes() {
  const training = new Map<string, number>(); // tokens a second of imitation, of the latest steps
  const writing = new Map<string, number>();
  const ownSteps = new Map<string, number>(); // seconds

  return {
    note: (recipe: Recipe, backend: string, metrics: StepMetrics) => {
      const isImitation = recipe.objective.kind === "sft" || metrics.step <= (recipe.sftFirst?.steps ?? 0);
      const [times, key, value] = isImitation
        ? [training, kindOf(recipe, backend), metrics.tokens_per_second]
        : [ownSteps, ownKindOf(recipe, backend), metrics.tokens / metrics.tokens_per_second];
      times.set(key, smoothed(times.get(key), value));
    },

    /** Takes in speeds measured before any step of a run. */
    noteSpeed: (recipe: Recipe, backend: string, { trained, written }: MeasuredSpeeds) => {
      training.set(kindOf(recipe, backend), trained);
      if (written !== null) writing.set(writingOf(recipe, backend), written);
    },

    /** By this session's steps of the same kind, or those of stored runs of the same work. */
    speeds: (recipe: Recipe, backend: string, runs: readonly Run[]): Speeds => {
      const like = (some: Recipe) =>
        runs.findLast(
          (run) =>
            run.step >= enoughSteps &&
            run.recipe.objective.kind === "sft" &&
            kindOf(run.recipe, run.backend) === kindOf(some, backend) &&
            workOf(run.recipe) === workOf(some),
        );
      const key = kindOf(recipe, backend);
      const ownKey = ownKindOf(recipe, backend);
      const imitated = training.has(key) ? undefined : like(recipe);
      const imitating = imitated ? imitated.seconds / imitated.step : null;
      const isImitation = recipe.objective.kind === "sft";
      // Of runs that imitate first the record does not tell which time was whose.
      const own =
        isImitation || recipe.sftFirst
          ? undefined
          : runs.findLast((run) => run.step >= enoughSteps && ownKindOf(run.recipe, run.backend) === ownKey);
      return {
        trained: training.get(key) ?? null,
        written: writing.get(writingOf(recipe, backend)) ?? null,
        firstStep: imitating,
        ownStep: isImitation ? imitating : (ownSteps.get(ownKey) ?? (own ? own.seconds / own.step : null)),
      };
    },
  };
}

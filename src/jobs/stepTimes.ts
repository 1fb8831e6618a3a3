/** @file How long a step takes on this machine, from steps that were measured on it. */

import type { StepMetrics } from "../core/metrics";
import type { Recipe } from "../core/recipe";
import type { Run } from "../core/run";

/** Steps before a stored run's mean can be trusted. */
const enoughSteps = 5;

/** What a step's time depends on, its number of tokens apart. */
const kindOf = ({ model, adaptation }: Recipe, backend: string) => JSON.stringify([backend, model, adaptation]);
const workOf = ({ batching, data, template }: Recipe) => JSON.stringify([batching, data.source, template]);

export function newStepTimes() {
  const rates = new Map<string, number>(); // tokens a second, of the latest steps

  return {
    note: (recipe: Recipe, backend: string, metrics: StepMetrics) => {
      const kind = kindOf(recipe, backend);
      const old = rates.get(kind) ?? metrics.tokens_per_second;
      rates.set(kind, 0.8 * old + 0.2 * metrics.tokens_per_second);
    },

    /** Takes in a speed measured before any step of a run. */
    noteSpeed: (recipe: Recipe, backend: string, tokensPerSecond: number) => {
      rates.set(kindOf(recipe, backend), tokensPerSecond);
    },

    /** Seconds, by this session's steps of the same kind, or a stored run's of the same work; null where there is none. */
    secondsAStep: (recipe: Recipe, backend: string, tokensAStep: number, runs: readonly Run[]): number | null => {
      const rate = rates.get(kindOf(recipe, backend));
      if (rate !== undefined) return tokensAStep / rate;
      const like = runs.findLast(
        (run) =>
          run.step >= enoughSteps &&
          kindOf(run.recipe, run.backend) === kindOf(recipe, backend) &&
          workOf(run.recipe) === workOf(recipe),
      );
      return like ? like.seconds / like.step : null;
    },
  };
}

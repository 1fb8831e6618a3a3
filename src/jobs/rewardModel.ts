/** @file Training of a reward model: a read-out of each answer's last token, higher for the chosen one of each pair. */

import type { RunEvent } from "../core/metrics";
import { tokenNumbers } from "../model/tokenNumbers";
import {
  addRewardModelFigures,
  noRewardModelFigures,
  rewardModelLoss,
  rewardModelMetrics,
} from "../objectives/rewardModel";
import { itemsAt } from "./itemsAt";
import { microBatches, newScoredBatch } from "./microBatches";
import { stepOver, tokensOf } from "./objectivePasses";
import { answersOf, pairsAStep } from "./preference";
import type { Pair } from "./prepareData";
import { type NewTrainer, objectiveOf } from "./session";

const wanted = { logProbabilities: false, scores: true };

export const newRewardModelTrainer: NewTrainer = (session) => {
  const { stage, data, adapter, model, turns, controls } = session;
  const { dimensions, ...rest } = objectiveOf(session, "reward");
  const settings = { ...rest, weights: dimensions.map(({ weight }) => weight) };
  const names = dimensions.map(({ name }) => name);
  const { rows } = stage.recipe.batching;
  const count = pairsAStep(session);
  const batchesOf = (pairs: readonly Pair[]) => microBatches(answersOf(pairs), rows, 2).map(newScoredBatch);
  /** Null judges the whole: a row that names no dimension, or one that this model has not. */
  const judgedOf = (pairs: readonly Pair[], places: readonly number[]) =>
    places
      .filter((_, i) => i % 2 === 0)
      .map((place) => {
        const dimension = names.indexOf(pairs[place / 2]?.dimension ?? "");
        return dimension < 0 ? null : dimension;
      });
  return {
    async *step(place) {
      const taken = itemsAt(data.pairs.length, count, place.step, stage.recipe.seed).flatMap(
        (i) => data.pairs[i] ?? [],
      );
      const batches = batchesOf(taken);
      let loss = 0;
      let figures = noRewardModelFigures(names.length);
      const { gradNorm, seconds } = await stepOver(session, place, batches, wanted, ({ scores }, { places }) => {
        const given = { scores, judged: judgedOf(taken, places) };
        const result = rewardModelLoss(given, settings, { pairs: taken.length });
        loss += result.loss;
        figures = addRewardModelFigures(figures, result.figures);
        return { scores: result.gradient };
      });
      return {
        loss,
        gradNorm,
        tokens: tokensOf(batches),
        epoch: (place.step * count) / data.pairs.length,
        seconds,
        figures: rewardModelMetrics(figures, names),
      };
    },
    async *evaluate(): AsyncGenerator<RunEvent, Record<string, number>> {
      const { heldoutPairs } = data;
      let loss = 0;
      let figures = noRewardModelFigures(names.length);
      for (const { batch, places } of batchesOf(heldoutPairs)) {
        const { scores } = await turns(() => tokenNumbers(model.llama, batch, { adapter, wanted }));
        const given = { scores, judged: judgedOf(heldoutPairs, places) };
        const result = rewardModelLoss(given, settings, { pairs: heldoutPairs.length });
        loss += result.loss;
        figures = addRewardModelFigures(figures, result.figures);
        controls.signal.throwIfAborted();
      }
      if (heldoutPairs.length === 0) return {};
      const all = rewardModelMetrics(figures, names);
      return {
        "eval/loss": loss,
        "rewards/accuracies": all["rewards/accuracies"] ?? 0,
        "rewards/margins": all["rewards/margins"] ?? 0,
      };
    },
  };
};

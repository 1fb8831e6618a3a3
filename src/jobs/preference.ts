/** @file Direct preference optimisation and its kin: the chosen answer of each pair is made likelier than the rejected one. */

import type { RunEvent } from "../core/metrics";
import { addPairFigures, noPairFigures, pairMetrics, preferenceLoss } from "../objectives/preference";
import { lengthsOf, spread, sumsOf } from "../objectives/sequences";
import { itemsAt } from "./itemsAt";
import { microBatches } from "./microBatches";
import { stepOver, tokensOf } from "./objectivePasses";
import type { Pair } from "./prepareData";
import { documentSums } from "./references";
import { objectiveOf, type Session, type Trainer } from "./session";

/** Both answers of every pair, one after the other. */
export const answersOf = (pairs: readonly Pair[]) => pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);

/** Pairs an optimizer step: a pass holds both answers of each. */
export const pairsAStep = ({ stage }: Session): number => {
  const { rows, accumulation } = stage.recipe.batching;
  return Math.max(1, Math.floor(rows / 2)) * accumulation;
};

export async function* newPreferenceTrainer(session: Session): AsyncGenerator<RunEvent, Trainer> {
  const settings = objectiveOf(session, "dpo");
  const { stage, data, adapter, reference } = session;
  const { pairs, heldoutPairs } = data;
  const { rows } = stage.recipe.batching;
  const count = pairsAStep(session);
  const sums = yield* documentSums(session, reference, answersOf(pairs), "reference");
  const heldoutSums = yield* documentSums(session, reference, answersOf(heldoutPairs), "reference");
  return {
    async *step(place) {
      const taken = itemsAt(pairs.length, count, place.step, stage.recipe.seed);
      const before = taken.flatMap((pair) => [sums[2 * pair] ?? 0, sums[2 * pair + 1] ?? 0]);
      const batches = microBatches(answersOf(taken.flatMap((pair) => pairs[pair] ?? [])), rows, 2);
      let loss = 0;
      let figures = noPairFigures;
      const { gradNorm, seconds } = await stepOver(session, place, batches, {}, (numbers, { bounds, places }) => {
        const given = {
          logProbabilities: sumsOf(numbers.logProbabilities, bounds),
          reference: places.map((i) => before[i] ?? 0),
          lengths: lengthsOf(bounds),
        };
        const result = preferenceLoss(given, settings, { pairs: taken.length });
        loss += result.loss;
        figures = addPairFigures(figures, result.figures);
        return { logProbabilities: spread(result.gradient, bounds) };
      });
      const epoch = (place.step * count) / pairs.length;
      return { loss, gradNorm, tokens: tokensOf(batches), epoch, seconds, figures: pairMetrics(figures) };
    },
    async *evaluate() {
      if (heldoutPairs.length === 0) return {};
      const answers = answersOf(heldoutPairs);
      const now = yield* documentSums(session, adapter, answers, "evaluating");
      const lengths = answers.map(({ tokens, promptLength }) => tokens.length - promptLength);
      const given = { logProbabilities: now, reference: heldoutSums, lengths };
      const { loss, figures } = preferenceLoss(given, settings, { pairs: heldoutPairs.length });
      const all = pairMetrics(figures);
      return {
        "eval/loss": loss,
        "rewards/accuracies": all["rewards/accuracies"],
        "rewards/margins": all["rewards/margins"],
      };
    },
  };
}

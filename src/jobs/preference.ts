/** @file Direct preference optimisation and its kin: the chosen answer of each pair is made likelier than the rejected one. */

import { StudioError } from "../core/errors";
import type { RunEvent } from "../core/metrics";
import type { ObjectiveOf } from "../core/objective";
import { seedFor } from "../core/random";
import { say } from "../core/say";
import { addPairFigures, noPairFigures, pairMetrics, preferenceLoss } from "../objectives/preference";
import { lengthsOf, spread, sumsOf } from "../objectives/sequences";
import { itemsAt } from "./itemsAt";
import { microBatches } from "./microBatches";
import { stepOver, tokensOf } from "./objectivePasses";
import type { Pair } from "./prepareData";
import { documentSums } from "./references";
import { answerAndRate } from "./rollouts";
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
  const { heldoutPairs } = data;
  const { sampled } = settings;
  const pairs = sampled ? yield* samplePairs(session, sampled) : data.pairs;
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

/** Prompts answered at a time while pairs are looked for. */
export const pairPromptsAtOnce = 16;

/**
 * Pairs of the model's own: of its answers to a prompt the best and the worst, where these differ. The reference writes
 * them, by the seed alone, so that a run that goes on finds the same again. Throws `run.rows` where nothing differs.
 */
async function* samplePairs(
  session: Session,
  sampled: NonNullable<ObjectiveOf<"dpo">["sampled"]>,
): AsyncGenerator<RunEvent, Pair[]> {
  const { data, stage, reference } = session;
  const { completions, sampling } = sampled;
  const { seed } = stage.recipe;
  const order = itemsAt(data.asked.length, data.asked.length, 1, seed);
  const pairs: Pair[] = [];
  for (let from = 0; from < order.length && pairs.length < sampled.pairs; from += pairPromptsAtOnce) {
    const problems = order.slice(from, from + pairPromptsAtOnce).flatMap((i) => data.asked[i] ?? []);
    const given = {
      adapter: reference,
      problems,
      temperature: sampling.temperature.start,
      seed: seedFor(seed, "pairs", from),
    };
    const { rollouts, scores } = yield* answerAndRate(session, sampled, given);
    for (let group = 0; group < rollouts.length; group += completions) {
      const places = Array.from({ length: completions }, (_, i) => group + i);
      places.sort((a, b) => (scores.total[b] ?? 0) - (scores.total[a] ?? 0));
      const [best = group, worst = group] = [places[0], places.at(-1)];
      const [chosen, rejected] = [rollouts[best]?.document, rollouts[worst]?.document];
      if (!chosen || !rejected || (scores.total[best] ?? 0) <= (scores.total[worst] ?? 0)) continue;
      pairs.push({ chosen, rejected, dimension: null });
    }
    yield { event: "progress", phase: "writing", done: Math.min(pairs.length, sampled.pairs), total: sampled.pairs };
  }
  if (pairs.length === 0)
    throw new StudioError("run.rows", say`All answers to each prompt are worth the same: there is nothing to prefer`);
  return pairs.slice(0, sampled.pairs);
}

/** @file Proximal policy optimisation: each token of an answer is compared with what its state was worth, by a read-out that learns beside. */

import type { Figures } from "../core/metrics";
import type { ObjectiveOf } from "../core/objective";
import { seedFor } from "../core/random";
import type { Document } from "../data/mask";
import { tokenNumbers } from "../model/tokenNumbers";
import { generalisedAdvantages, whitened } from "../objectives/advantages";
import {
  addPpoFigures,
  explainedVariance,
  nextKlCoefficient,
  noPpoFigures,
  ppoLoss,
  ppoMetrics,
  tokenDivergence,
  tokenRewards,
} from "../objectives/ppo";
import { draw, newReplay, type Replay, withItems, withSurprises } from "../objectives/replay";
import { sumsOf } from "../objectives/sequences";
import { type MicroBatch, microBatches } from "./microBatches";
import { stepOver, timed } from "./objectivePasses";
import { newGroups, newRollouts, type Rollouts, rolloutFigures } from "./rollouts";
import { type NewTrainer, objectiveOf, type Session } from "./session";

/** An answer and all that is known of its tokens, in plain numbers: a checkpoint keeps those that are to come again. */
type Experience = {
  tokens: number[];
  promptLength: number;
  marks: number[] | null;
  old: number[];
  oldValues: number[];
  advantages: number[];
  returns: number[];
};

/** What of the trainer a checkpoint keeps. */
type Kept = { coefficient: number; replay: Replay<Experience> | null };

/** Full correction of what replay draws more often, as there is no end to anneal to. */
const replayBeta = 1;

export const newPpoTrainer: NewTrainer = (session, kept) => {
  const objective = objectiveOf(session, "ppo");
  const { completions, prompts, updates, kl } = objective;
  const { stage, model } = session;
  let { coefficient, replay } = (kept as Kept | undefined) ?? {
    coefficient: kl.coefficient,
    replay: objective.replay ? newReplay<Experience>(objective.replay.capacity) : null,
  };

  return {
    keep: (): Kept => ({ coefficient, replay }),
    async *step(place) {
      const written = yield* newRollouts(session, objective, place.step);
      const judged = await judge(session, objective, written, coefficient);
      const share = objective.replay?.share ?? 0;
      const again = replay
        ? draw(
            replay,
            Math.round((share / (1 - share)) * judged.experiences.length),
            replayBeta,
            seedFor(stage.recipe.seed, "replay", place.step),
          )
        : [];
      const all = [...judged.experiences, ...again.map(({ item }) => item)];
      const weights = [...judged.experiences.map(() => 1), ...again.map(({ weight }) => weight)];
      const batches = microBatches(all.map(newDocumentOf), stage.recipe.batching.rows);
      const window = { tokens: all.reduce((sum, { old }) => sum + old.length, 0) };
      const gather = ({ places }: MicroBatch, of: (each: Experience, place: number) => number[]) =>
        places.flatMap((i) => (all[i] ? of(all[i], i) : []));

      let figures = noPpoFigures;
      let [loss, gradNorm, seconds] = [0, 0, 0];
      for (let update = 0; update < updates; update++) {
        const wanted = { temperature: written.temperature, entropies: true, scores: true };
        const done = await stepOver(session, place, batches, wanted, (numbers, batch) => {
          const given = {
            bounds: batch.bounds,
            logProbabilities: numbers.logProbabilities,
            old: gather(batch, ({ old }) => old),
            advantages: gather(batch, ({ advantages }) => advantages),
            values: numbers.scores,
            oldValues: gather(batch, ({ oldValues }) => oldValues),
            returns: gather(batch, ({ returns }) => returns),
            entropies: numbers.entropies,
            weights: gather(batch, ({ old }, i) => old.map(() => weights[i] ?? 1)),
          };
          const { loss: part, gradients, figures: found } = ppoLoss(given, objective, window);
          loss += part / updates;
          figures = addPpoFigures(figures, found);
          return {
            logProbabilities: gradients.logProbabilities,
            scores: gradients.values,
            entropies: gradients.entropies,
          };
        });
        ({ gradNorm } = done);
        seconds += done.seconds;
        if (!Number.isFinite(gradNorm)) break;
      }

      if (replay) {
        const surprise = ({ returns, oldValues }: Experience) =>
          returns.reduce((sum, value, t) => sum + Math.abs(value - (oldValues[t] ?? 0)), 0) /
          Math.max(1, returns.length);
        const told = new Map(again.map(({ id, item }) => [id, surprise(item)]));
        replay = withItems(withSurprises(replay, told), judged.experiences);
      }
      const used = coefficient;
      coefficient = nextKlCoefficient(coefficient, judged.answerDivergence, judged.experiences.length, kl);
      const isFlat = Array.from({ length: prompts }, (_, group) => {
        const rewards = Array.from(written.scores.total).slice(group * completions, (group + 1) * completions);
        return new Set(rewards).size === 1;
      });
      const own: Figures = {
        ...ppoMetrics(figures),
        kl: judged.tokenDivergence,
        kl_coefficient: used,
        ...(judged.explained === null ? {} : { "value/explained_variance": judged.explained }),
        ...(replay ? { "replay/share": again.length / all.length } : {}),
      };
      return {
        loss,
        gradNorm,
        tokens: all.reduce((sum, { tokens }) => sum + tokens.length, 0),
        epoch: written.epoch,
        seconds: written.seconds + judged.seconds + seconds,
        figures: { ...rolloutFigures(written, isFlat), ...own },
        groups: newGroups(
          written,
          completions,
          (id) => model.tokenizer.tokenText(id),
          (answer) => ({
            advantages: judged.experiences[answer]?.advantages ?? [],
            change: judged.changes[answer] ?? null,
          }),
        ),
      };
    },
  };
};

const newDocumentOf = ({ tokens, promptLength, marks }: Experience): Document => ({
  tokens,
  promptLength,
  trained: new Uint8Array(tokens.length).fill(1, promptLength),
  tooLong: false,
  ...(marks ? { marks: Uint8Array.from(marks) } : {}),
});

/** What each token of the answers was worth, before anything is learnt from them. */
async function judge(
  session: Session,
  { gamma, lambda }: ObjectiveOf<"ppo">,
  { rollouts, scores, temperature }: Rollouts,
  coefficient: number,
) {
  const { stage, model, adapter, reference } = session;
  const documents = rollouts.map(({ document }) => document);
  const rows: { now: number[]; before: number[]; values: number[] }[] = [];
  const { seconds } = await timed(session, async () => {
    for (const { batch, bounds, places } of microBatches(documents, stage.recipe.batching.rows)) {
      const now = await tokenNumbers(model.llama, batch, { adapter, wanted: { temperature, scores: true } });
      const before = await tokenNumbers(model.llama, batch, { adapter: reference, wanted: { temperature } });
      places.forEach((place, row) => {
        const of = (numbers: Float32Array) => Array.from(numbers.subarray(bounds[row], bounds[row + 1]));
        rows[place] = { now: of(now.logProbabilities), before: of(before.logProbabilities), values: of(now.scores) };
      });
    }
  });
  const bounds = new Int32Array(rows.length + 1);
  rows.forEach(({ now }, i) => {
    bounds[i + 1] = (bounds[i] ?? 0) + now.length;
  });
  const flat = (of: (row: (typeof rows)[number]) => number[]) => rows.flatMap(of);
  const values = flat((row) => row.values);
  const divergence = tokenDivergence(
    "k1",
    flat(({ now }) => now),
    flat(({ before }) => before),
  );
  const rewards = tokenRewards(scores.total, divergence, bounds, coefficient);
  const { advantages, returns } = generalisedAdvantages(rewards, values, bounds, { gamma, lambda });
  const white = whitened(advantages);
  const part = (numbers: ArrayLike<number>, i: number) => Array.from(numbers).slice(bounds[i], bounds[i + 1]);
  const experiences = documents.map(
    ({ tokens, promptLength, marks }, i): Experience => ({
      tokens,
      promptLength,
      marks: marks ? Array.from(marks) : null,
      old: rows[i]?.now ?? [],
      oldValues: rows[i]?.values ?? [],
      advantages: part(white, i),
      returns: part(returns, i),
    }),
  );
  const mean = (numbers: Float64Array) => numbers.reduce((sum, x) => sum + x, 0) / Math.max(1, numbers.length);
  return {
    experiences,
    changes: rows.map(({ now, before }) => now.map((x, t) => x - (before[t] ?? x))),
    tokenDivergence: mean(divergence),
    answerDivergence: mean(sumsOf(divergence, bounds)),
    explained: explainedVariance(values, returns),
    seconds,
  };
}

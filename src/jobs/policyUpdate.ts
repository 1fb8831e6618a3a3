/** @file The optimizer steps on a batch of rollouts whose answers' advantages are known. */

import type { Figures } from "../core/metrics";
import { tokenNumbers } from "../model/tokenNumbers";
import { objectiveStep } from "../model/training";
import {
  addPolicyFigures,
  noPolicyFigures,
  type PolicySettings,
  type PolicyWindow,
  policyLoss,
  policyMetrics,
} from "../objectives/policy";
import { spread } from "../objectives/sequences";
import { type MicroBatch, microBatches } from "./microBatches";
import { timed } from "./objectivePasses";
import type { Rollouts } from "./rollouts";
import type { Session, StepPlace } from "./session";

export type PolicyUpdate = {
  loss: number;
  gradNorm: number;
  tokens: number;
  seconds: number;
  figures: Figures;
  /** How much likelier each token of an answer is than the reference has it; null for answers that were left out. */
  changes: (number[] | null)[];
};

type Learnt = {
  /** Of each answer. */
  advantages: Float64Array;
  /** Answers whose group counts in the loss; the others are as if they had not been written. */
  counts: (place: number) => boolean;
  settings: PolicySettings;
  maxLength: number;
  updates: number;
};

/**
 * `updates` steps: in the first one the policy is still the one that wrote, so that every ratio is 1 and its own
 * log-probabilities are the old ones of those that follow. Answers without an advantage are not even read where nothing
 * else would come of them (β = 0).
 */
export async function updatePolicy(
  session: Session,
  place: StepPlace,
  { rollouts, temperature }: Rollouts,
  { advantages, counts, settings, maxLength, updates }: Learnt,
): Promise<PolicyUpdate> {
  const { stage, model, adapter, optimizer, reference } = session;
  const { llama } = model;
  const documents = rollouts.map(({ document }) => document);
  const answerLength = (i: number) => (documents[i]?.tokens.length ?? 0) - (documents[i]?.promptLength ?? 0);
  const counted = [...documents.keys()].filter(counts);
  const window: PolicyWindow = {
    sequences: counted.length,
    tokens: counted.reduce((sum, i) => sum + answerLength(i), 0),
    maxLength,
  };
  // bnpo divides by the tokens that a pass reads, so that it reads all of them.
  const readsAll = settings.beta > 0 || settings.loss === "bnpo";
  const read = counted.filter((i) => readsAll || advantages[i] !== 0);
  const nothing = { loss: 0, gradNorm: 0, seconds: 0, figures: {}, changes: documents.map(() => null) };
  const tokens = documents.reduce((sum, document) => sum + document.tokens.length, 0);
  if (read.length === 0) return { ...nothing, tokens };

  const batches = microBatches(
    read.flatMap((i) => documents[i] ?? []),
    stage.recipe.batching.rows,
  );
  const answersOf = ({ places }: MicroBatch) => places.map((i) => read[i] ?? 0);
  const olds: Float32Array[] = [];
  const references: Float32Array[] = [];
  const changes: (number[] | null)[] = documents.map(() => null);
  const entropy = { sum: 0, tokens: 0 };
  let figures = noPolicyFigures;
  let [loss, gradNorm, seconds] = [0, 0, 0];
  const inTurn = async <T>(work: () => Promise<T>) => {
    const done = await timed(session, work);
    seconds += done.seconds;
    return done.result;
  };

  for (const { batch } of batches) {
    const pass = { adapter: reference, wanted: { temperature } };
    references.push((await inTurn(() => tokenNumbers(llama, batch, pass))).logProbabilities);
  }
  for (let update = 0; update < updates; update++) {
    const isFirst = update === 0;
    const passes = batches.map((each, k) => ({
      batch: each.batch,
      wanted: { temperature, entropies: isFirst },
      lossOf: ({ logProbabilities, entropies }: { logProbabilities: Float32Array; entropies: Float32Array }) => {
        const given = {
          bounds: each.bounds,
          logProbabilities,
          old: isFirst ? null : (olds[k] ?? null),
          reference: references[k] ?? null,
          advantages: spread(
            answersOf(each).map((i) => advantages[i] ?? 0),
            each.bounds,
          ),
        };
        const result = policyLoss(given, settings, window);
        loss += result.loss / updates;
        figures = addPolicyFigures(figures, result.figures);
        if (isFirst) {
          olds[k] = logProbabilities;
          for (const one of entropies) entropy.sum += one;
          entropy.tokens += entropies.length;
          answersOf(each).forEach((i, row) => {
            const [from, to] = [each.bounds[row] ?? 0, each.bounds[row + 1] ?? 0];
            const before = references[k]?.subarray(from, to) ?? [];
            changes[i] = Array.from(logProbabilities.subarray(from, to), (now, t) => now - (before[t] ?? now));
          });
        }
        return { logProbabilities: result.gradient };
      },
    }));
    // The same dropout in each, so that a ratio differs from 1 by what was learnt alone.
    ({ gradNorm } = await inTurn(() => objectiveStep(llama, adapter, optimizer, passes, place)));
    if (!Number.isFinite(gradNorm)) break;
  }
  return {
    loss,
    gradNorm,
    tokens,
    seconds,
    figures: { ...policyMetrics(figures), entropy: entropy.sum / Math.max(1, entropy.tokens) },
    changes,
  };
}

/** @file Direct preference optimisation and its kin: losses of pairs of answers by their summed log-probabilities. */

import { negativeLogSigmoid, sigmoid } from "./logistic";
import { type Numbers, requireFinite, requireLength } from "./sequences";

export type PreferenceSettings = {
  loss: "sigmoid" | "ipo" | "hinge";
  beta: number;
  /** Share of the preferences taken to be the wrong way round; sigmoid alone. */
  labelSmoothing: number;
};

/** N pairs, each one's chosen answer before its rejected one: every list is [2N]. */
export type PreferenceBatch = {
  /** Sums over each answer's tokens, nats (`sumsOf`). */
  logProbabilities: Numbers;
  reference: Numbers;
  /** Tokens of each answer (`lengthsOf`). */
  lengths: Numbers;
};

/** Sums over pairs, so that those of micro-batches add up (`addPairFigures`). */
export type PairFigures = {
  pairs: number;
  /** β(log π − log ref), of the chosen and of the rejected. */
  chosen: number;
  rejected: number;
  /** Pairs whose chosen answer has the larger. */
  right: number;
  logProbabilities: { chosen: number; rejected: number };
};

export const noPairFigures: PairFigures = {
  pairs: 0,
  chosen: 0,
  rejected: 0,
  right: 0,
  logProbabilities: { chosen: 0, rejected: 0 },
};

/** What a pair costs, and that cost's slope in the difference it is made of. */
function pairLoss({ loss, beta, labelSmoothing }: PreferenceSettings, difference: number) {
  const z = beta * difference;
  switch (loss) {
    case "sigmoid":
      return {
        loss: (1 - labelSmoothing) * negativeLogSigmoid(z) + labelSmoothing * negativeLogSigmoid(-z),
        slope: beta * (sigmoid(z) - (1 - labelSmoothing)),
      };
    case "ipo": {
      const away = difference - 1 / (2 * beta);
      return { loss: away ** 2, slope: 2 * away };
    }
    case "hinge":
      return { loss: Math.max(0, 1 - z), slope: z < 1 ? -beta : 0 };
  }
}

/**
 * With h = (log π − log ref)(chosen) − (log π − log ref)(rejected), a mean over the window's `pairs` of
 * `sigmoid` −(1−ε) log σ(βh) − ε log σ(−βh) (Rafailov et al. 2023; ε of Mitchell 2023, which TRL 1.13 has in `aot`
 * alone), `hinge` max(0, 1 − βh) (Zhao et al. 2023), `ipo` (h − 1/2β)², where each answer's part of h is divided by its
 * tokens (Azar et al. 2023, as TRL has it). An empty answer has a sum of 0 and counts as one token.
 *
 * `gradient` [2N] is by each answer's sum; `spread` gives it to the answer's tokens. Throws `run.diverged` where a number
 * is not finite.
 */
export function preferenceLoss(
  batch: PreferenceBatch,
  settings: PreferenceSettings,
  window: { pairs: number },
): { loss: number; gradient: Float32Array; figures: PairFigures } {
  const { logProbabilities, reference, lengths } = batch;
  const N = Math.ceil(logProbabilities.length / 2);
  for (const [name, numbers] of Object.entries({ logProbabilities, reference, lengths })) {
    requireLength(name, numbers, 2 * N);
    requireFinite(name, numbers);
  }
  const gradient = new Float32Array(2 * N);
  const figures = { ...noPairFigures, pairs: N, logProbabilities: { chosen: 0, rejected: 0 } };
  let loss = 0;
  for (let n = 0; n < N; n++) {
    const [c, r] = [2 * n, 2 * n + 1];
    const ratio = (i: number) => (logProbabilities[i] ?? 0) - (reference[i] ?? 0);
    const per = (i: number) => (settings.loss === "ipo" ? Math.max(lengths[i] ?? 0, 1) : 1);
    const pair = pairLoss(settings, ratio(c) / per(c) - ratio(r) / per(r));
    loss += pair.loss / window.pairs;
    gradient[c] = pair.slope / per(c) / window.pairs;
    gradient[r] = -pair.slope / per(r) / window.pairs;
    figures.chosen += settings.beta * ratio(c);
    figures.rejected += settings.beta * ratio(r);
    if (ratio(c) > ratio(r)) figures.right++;
    figures.logProbabilities.chosen += logProbabilities[c] ?? 0;
    figures.logProbabilities.rejected += logProbabilities[r] ?? 0;
  }
  requireFinite("gradient", gradient);
  return { loss, gradient, figures };
}

export function addPairFigures(a: PairFigures, b: PairFigures): PairFigures {
  return {
    pairs: a.pairs + b.pairs,
    chosen: a.chosen + b.chosen,
    rejected: a.rejected + b.rejected,
    right: a.right + b.right,
    logProbabilities: {
      chosen: a.logProbabilities.chosen + b.logProbabilities.chosen,
      rejected: a.logProbabilities.rejected + b.logProbabilities.rejected,
    },
  };
}

/** Means over pairs, under TRL's names. */
export function pairMetrics({ pairs, chosen, rejected, right, logProbabilities }: PairFigures) {
  const mean = (sum: number) => sum / Math.max(pairs, 1);
  return {
    "rewards/chosen": mean(chosen),
    "rewards/rejected": mean(rejected),
    "rewards/margins": mean(chosen - rejected),
    "rewards/accuracies": mean(right),
    "logps/chosen": mean(logProbabilities.chosen),
    "logps/rejected": mean(logProbabilities.rejected),
  };
}

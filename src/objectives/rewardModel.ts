/** @file Reward models learn from pairs of answers: Bradley–Terry or a margin, in one dimension or in several. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { negativeLogSigmoid, sigmoid } from "./logistic";
import { type Numbers, requireFinite, requireLength } from "./sequences";

export type RewardModelSettings = {
  loss: "bradley-terry" | "triplet";
  /** What a chosen answer should be ahead by. */
  margin: number;
  /** Of the squared sum of both rewards, which keeps them about zero (Eisenstein et al. 2023). */
  centre: number;
  /** Of each dimension in the whole reward, [D]. */
  weights: Numbers;
};

/** N pairs of answers scored in D dimensions. */
export type RewardPairs = {
  /** [2N, D], each pair's chosen answer before its rejected one. */
  scores: Numbers;
  /** Which dimension a pair judges, [N]; null the whole: the weighted sum of all. */
  judged: readonly (number | null)[];
};

type Tally = { pairs: number; right: number; margin: number };
/** Sums, so that those of micro-batches add up (`addRewardModelFigures`). */
export type RewardModelFigures = {
  all: Tally & { chosen: number; rejected: number };
  /** Of the pairs that judge each dimension, [D]. */
  dimensions: Tally[];
};

export const noRewardModelFigures = (D: number): RewardModelFigures => ({
  all: { pairs: 0, right: 0, margin: 0, chosen: 0, rejected: 0 },
  dimensions: Array.from({ length: D }, () => ({ pairs: 0, right: 0, margin: 0 })),
});

/** Weighted sums of D scores, [N] of [N, D]: what an answer is worth as a whole. */
export function wholeRewards(scores: Numbers, weights: Numbers): Float64Array {
  const D = weights.length;
  const rewards = new Float64Array(scores.length / D);
  requireLength("scores", scores, rewards.length * D);
  for (let i = 0; i < scores.length; i++) {
    const n = Math.floor(i / D);
    rewards[n] = (rewards[n] ?? 0) + (weights[i % D] ?? 0) * (scores[i] ?? Number.NaN);
  }
  return rewards;
}

function pairLoss({ loss, margin }: RewardModelSettings, difference: number) {
  const ahead = difference - margin;
  if (loss === "triplet") return { loss: Math.max(0, -ahead), slope: ahead < 0 ? -1 : 0 };
  return { loss: negativeLogSigmoid(ahead), slope: -sigmoid(-ahead) };
}

/**
 * With r an answer's score in the dimension that its pair judges, or its whole reward: `bradley-terry`
 * −log σ(r_chosen − r_rejected − margin), `triplet` max(0, margin − (r_chosen − r_rejected)), and with either
 * centre · (r_chosen + r_rejected)²; a mean over the window's `pairs`, as TRL 1.13's RewardTrainer has it for one
 * dimension. `gradient` is by each score, [2N, D]. Throws `run.diverged` where a number is not finite.
 */
export function rewardModelLoss(
  { scores, judged }: RewardPairs,
  settings: RewardModelSettings,
  window: { pairs: number },
): { loss: number; gradient: Float32Array; figures: RewardModelFigures } {
  const { weights, centre } = settings;
  const [N, D] = [judged.length, weights.length];
  requireLength("scores", scores, 2 * N * D);
  const gradient = new Float32Array(2 * N * D);
  const figures = noRewardModelFigures(D);
  let loss = 0;
  for (let n = 0; n < N; n++) {
    const dimension = judged[n] ?? null;
    if (dimension !== null && !(dimension in figures.dimensions)) {
      throw new StudioError("bug", say`Pair ${n + 1} judges dimension ${dimension} of ${D}`);
    }
    const counts = (d: number) => (dimension === null ? (weights[d] ?? 0) : d === dimension ? 1 : 0);
    let [chosen, rejected] = [0, 0];
    for (let d = 0; d < D; d++) {
      chosen += counts(d) * (scores[2 * n * D + d] ?? Number.NaN);
      rejected += counts(d) * (scores[(2 * n + 1) * D + d] ?? Number.NaN);
    }
    if (!Number.isFinite(chosen) || !Number.isFinite(rejected)) {
      throw new StudioError("run.diverged", say`Pair ${n + 1}: the rewards are ${chosen} and ${rejected}`);
    }
    const pair = pairLoss(settings, chosen - rejected);
    const centring = 2 * centre * (chosen + rejected);
    loss += (pair.loss + centre * (chosen + rejected) ** 2) / window.pairs;
    for (let d = 0; d < D; d++) {
      gradient[2 * n * D + d] = (counts(d) * (pair.slope + centring)) / window.pairs;
      gradient[(2 * n + 1) * D + d] = (counts(d) * (centring - pair.slope)) / window.pairs;
    }
    for (const tally of [figures.all, ...(dimension === null ? [] : [figures.dimensions[dimension]])]) {
      if (!tally) continue;
      tally.pairs++;
      if (chosen > rejected) tally.right++;
      tally.margin += chosen - rejected;
    }
    figures.all.chosen += chosen;
    figures.all.rejected += rejected;
  }
  requireFinite("gradient", gradient);
  return { loss, gradient, figures };
}

export function addRewardModelFigures(a: RewardModelFigures, b: RewardModelFigures): RewardModelFigures {
  const sum = (one: Tally, other: Tally | undefined): Tally => ({
    pairs: one.pairs + (other?.pairs ?? 0),
    right: one.right + (other?.right ?? 0),
    margin: one.margin + (other?.margin ?? 0),
  });
  return {
    all: {
      ...sum(a.all, b.all),
      chosen: a.all.chosen + b.all.chosen,
      rejected: a.all.rejected + b.all.rejected,
    },
    dimensions: a.dimensions.map((dimension, d) => sum(dimension, b.dimensions[d])),
  };
}

/** Means over pairs; a dimension that no pair judged is left out. */
export function rewardModelMetrics({ all, dimensions }: RewardModelFigures, names: readonly string[]) {
  const mean = (sum: number) => sum / Math.max(all.pairs, 1);
  const metrics: Record<`rewards/${string}`, number> = {
    "rewards/chosen": mean(all.chosen),
    "rewards/rejected": mean(all.rejected),
    "rewards/margins": mean(all.margin),
    "rewards/accuracies": mean(all.right),
  };
  for (const [d, { pairs, right, margin }] of dimensions.entries()) {
    if (pairs === 0) continue;
    metrics[`rewards/${names[d] ?? d}/accuracy`] = right / pairs;
    metrics[`rewards/${names[d] ?? d}/margin`] = margin / pairs;
  }
  return metrics;
}

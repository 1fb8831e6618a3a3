/** @file Group relative policy optimisation's losses of each token's log-probability, as TRL 1.13's GRPOTrainer has them. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { type Numbers, requireFinite, requireLength, sequencesIn } from "./sequences";

/** What the clipped terms of the tokens are divided by, see `policyLoss`. */
export type PolicyLossKind = "grpo" | "bnpo" | "dr_grpo" | "dapo";

export type PolicySettings = {
  loss: PolicyLossKind;
  /** ε of the ratio's clipping, below and above 1. */
  clipLow: number;
  clipHigh: number;
  /** Of the KL divergence from the reference. */
  beta: number;
};

/** Completions of a micro-batch, their trained tokens end to end: S sequences, M tokens. */
export type PolicyBatch = {
  /** Where each sequence begins, and the end of the last, [S+1]. One may be empty. */
  bounds: Numbers;
  /** log π(token) as the model gives it now, [M]. */
  logProbabilities: Numbers;
  /** As it was when the tokens were written, [M]; null where that is now: every ratio is 1. */
  old: Numbers | null;
  /** As the reference gives it, [M]; null leaves the divergence out, for a β of 0 alone. */
  reference: Numbers | null;
  /** Of each token, [M]; `spread` gives a sequence's own to all of its tokens. */
  advantages: Numbers;
};

/** What the micro-batches of an optimizer step hold together. */
export type PolicyWindow = {
  sequences: number;
  tokens: number;
  /** The longest a completion may be: the divisor of dr_grpo. */
  maxLength: number;
};

/** Sums over tokens, so that those of micro-batches add up (`addPolicyFigures`). */
export type PolicyFigures = {
  tokens: number;
  /** k3 estimates, see `policyLoss`. */
  kl: number;
  /** Tokens clipped below (of negative advantage), above (of positive advantage), and both. */
  low: number;
  high: number;
  region: number;
  /** The least share of a sequence clipped below and the largest clipped above; null before the first sequence. */
  lowMin: number | null;
  highMax: number | null;
};

export type PolicyResult = {
  /** This micro-batch's part: the parts of a window's micro-batches add up to its loss. */
  loss: number;
  /** d loss / d logProbabilities, [M]. */
  gradient: Float32Array;
  figures: PolicyFigures;
};

export const noPolicyFigures: PolicyFigures = {
  tokens: 0,
  kl: 0,
  low: 0,
  high: 0,
  region: 0,
  lowMin: null,
  highMax: null,
};

/** What a token's term counts in the loss: the kinds differ in nothing else. */
function weightOf(kind: PolicyLossKind, length: number, sequences: number, tokens: number, window: PolicyWindow) {
  switch (kind) {
    case "grpo":
      return 1 / (length * window.sequences);
    case "bnpo":
      return sequences / (window.sequences * tokens);
    case "dr_grpo":
      return 1 / (window.sequences * window.maxLength);
    case "dapo":
      return 1 / window.tokens;
  }
}

/**
 * Σ weight · (−min(r·A, clip(r, 1−ε_low, 1+ε_high)·A) + β·KL) over the tokens, where r = exp(log π − log π_old), and KL
 * is k3 = exp(d) − d − 1 with d = log π_ref − log π (Schulman 2020). The weights: `grpo` the mean over sequences of each
 * one's mean (Shao et al. 2024; an empty sequence counts as 0), `bnpo` the mean over the micro-batch's tokens, weighted
 * by its share of the window's sequences, `dr_grpo` 1 / (sequences · longest completion) (Liu et al. 2025), `dapo` the
 * mean over the window's tokens (Yu et al. 2025). As TRL 1.13's GRPOTrainer._compute_loss, whose equal micro-batches
 * the window generalises. An advantage of 0 gives 0 whatever the ratio.
 *
 * Throws `run.diverged` with the place where a number going in, or a gradient coming out, is not finite.
 */
export function policyLoss(batch: PolicyBatch, settings: PolicySettings, window: PolicyWindow): PolicyResult {
  const { bounds, logProbabilities, old, reference, advantages } = batch;
  const M = logProbabilities.length;
  const S = sequencesIn(bounds, M);
  for (const [name, numbers] of Object.entries({ logProbabilities, old, reference, advantages })) {
    if (!numbers) continue;
    requireLength(name, numbers, M);
    requireFinite(name, numbers, bounds);
  }
  if (settings.beta !== 0 && !reference) throw new StudioError("bug", say`A β of ${settings.beta} needs a reference`);

  const [least, most] = [1 - settings.clipLow, 1 + settings.clipHigh];
  const gradient = new Float32Array(M);
  const figures = { ...noPolicyFigures, tokens: M };
  let loss = 0;
  for (let s = 0; s < S; s++) {
    const [from, to] = [bounds[s] ?? 0, bounds[s + 1] ?? 0];
    if (from === to) continue;
    const weight = weightOf(settings.loss, to - from, S, M, window);
    let [low, high] = [0, 0];
    for (let i = from; i < to; i++) {
      const logProbability = logProbabilities[i] ?? 0;
      const advantage = advantages[i] ?? 0;
      const ratio = old ? Math.exp(logProbability - (old[i] ?? 0)) : 1;
      const isLow = ratio < least && advantage < 0;
      const isHigh = ratio > most && advantage > 0;
      if (isLow) low++;
      if (isHigh) high++;
      if (isLow || isHigh) loss -= weight * advantage * (isLow ? least : most);
      else if (advantage !== 0) {
        loss -= weight * advantage * ratio;
        gradient[i] = -weight * advantage * ratio;
      }
      if (!reference) continue;
      const difference = (reference[i] ?? 0) - logProbability;
      const kl = Math.expm1(difference) - difference;
      figures.kl += kl;
      if (settings.beta === 0) continue;
      loss += weight * settings.beta * kl;
      gradient[i] = (gradient[i] ?? 0) - weight * settings.beta * Math.expm1(difference);
    }
    figures.low += low;
    figures.high += high;
    figures.lowMin = Math.min(figures.lowMin ?? 1, low / (to - from));
    figures.highMax = Math.max(figures.highMax ?? 0, high / (to - from));
  }
  figures.region = figures.low + figures.high;
  requireFinite("gradient", gradient, bounds);
  return { loss, gradient, figures };
}

export function addPolicyFigures(a: PolicyFigures, b: PolicyFigures): PolicyFigures {
  const either = (pick: (x: number, y: number) => number, x: number | null, y: number | null) =>
    x === null || y === null ? (x ?? y) : pick(x, y);
  return {
    tokens: a.tokens + b.tokens,
    kl: a.kl + b.kl,
    low: a.low + b.low,
    high: a.high + b.high,
    region: a.region + b.region,
    lowMin: either(Math.min, a.lowMin, b.lowMin),
    highMax: either(Math.max, a.highMax, b.highMax),
  };
}

/**
 * The figures under TRL's names, means over tokens. (TRL averages its micro-batches' means, which is the same where
 * they hold as many tokens.)
 */
export function policyMetrics({ tokens, kl, low, high, region, lowMin, highMax }: PolicyFigures) {
  const mean = (sum: number) => sum / Math.max(tokens, 1);
  return {
    kl: mean(kl),
    "clip_ratio/low_mean": mean(low),
    "clip_ratio/low_min": lowMin ?? 0,
    "clip_ratio/high_mean": mean(high),
    "clip_ratio/high_max": highMax ?? 0,
    "clip_ratio/region_mean": mean(region),
  };
}

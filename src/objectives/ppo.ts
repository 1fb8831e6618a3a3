/** @file Proximal policy optimisation (Schulman et al. 2017): the clipped losses of policy and values, and the steered KL. */

import { meanAndSpread } from "./advantages";
import { addPolicyFigures, noPolicyFigures, type PolicyFigures, policyLoss } from "./policy";
import { type Numbers, requireFinite, requireLength, sequencesIn } from "./sequences";

export type PpoSettings = {
  /** The ratio stays within 1 ± clip, a value within ± valueClip of what it was. */
  clip: number;
  valueClip: number;
  valueWeight: number;
  entropyWeight: number;
};

/** Completions of a micro-batch, their tokens end to end: S sequences, M tokens. Every list but `bounds` is [M]. */
export type PpoBatch = {
  /** [S+1] */
  bounds: Numbers;
  logProbabilities: Numbers;
  /** As they were when the tokens were written. */
  old: Numbers;
  advantages: Numbers;
  values: Numbers;
  /** As they were when the advantages were made. */
  oldValues: Numbers;
  returns: Numbers;
  /** Null where no entropy is wanted: an entropyWeight of 0 alone. */
  entropies: Numbers | null;
  /** Of each token's terms, as replay gives them (Schaul et al. 2015); null counts all alike. */
  weights: Numbers | null;
};

/** Sums over tokens, so that those of micro-batches add up (`addPpoFigures`). */
export type PpoFigures = {
  policy: PolicyFigures;
  policyLoss: number;
  valueLoss: number;
  entropy: number;
  /** ½(log π − log π_old)², Schulman's k2. */
  approxKl: number;
  valueClipped: number;
};

export type PpoResult = {
  /** This micro-batch's part of the window's loss. */
  loss: number;
  /** d loss / d each token's number, [M]; `entropies` is zeros where their weight is 0. */
  gradients: { logProbabilities: Float32Array; values: Float32Array; entropies: Float32Array };
  figures: PpoFigures;
};

export const noPpoFigures: PpoFigures = {
  policy: noPolicyFigures,
  policyLoss: 0,
  valueLoss: 0,
  entropy: 0,
  approxKl: 0,
  valueClipped: 0,
};

/**
 * −min(r·A, clip(r, 1 ± ε)·A) + c_v · ½·max((V − R)², (clip(V, V_old ± ε_v) − R)²) − c_e · H, a mean over the window's
 * `tokens`. As the PPOTrainer that TRL had until 0.29 computes it, which has no entropy term and takes the mean of each
 * micro-batch. Throws `run.diverged` with the place where a number is not finite.
 */
export function ppoLoss(batch: PpoBatch, settings: PpoSettings, window: { tokens: number }): PpoResult {
  const { bounds, logProbabilities, old, values, oldValues, returns, entropies, weights } = batch;
  const M = logProbabilities.length;
  sequencesIn(bounds, M);
  for (const [name, numbers] of Object.entries({ values, oldValues, returns, entropies, weights })) {
    if (!numbers) continue;
    requireLength(name, numbers, M);
    requireFinite(name, numbers, bounds);
  }
  if (settings.entropyWeight !== 0) requireLength("entropies", entropies ?? [], M);
  const weightAt = (i: number) => (weights?.[i] ?? 1) / window.tokens;

  const { advantages } = batch;
  requireLength("advantages", advantages, M);
  const weighted = weights ? Float64Array.from(advantages, (A, i) => A * (weights[i] ?? 1)) : advantages;
  const policy = policyLoss(
    { bounds, logProbabilities, old, reference: null, advantages: weighted },
    { loss: "dapo", clipLow: settings.clip, clipHigh: settings.clip, beta: 0 },
    { sequences: 0, tokens: window.tokens, maxLength: 0 },
  );
  const [dValues, dEntropies] = [new Float32Array(M), new Float32Array(M)];
  let [valueLoss, entropyLoss] = [0, 0];
  const figures: PpoFigures = { ...noPpoFigures, policy: policy.figures, policyLoss: policy.loss * window.tokens };
  for (let i = 0; i < M; i++) {
    const [value, before, wanted] = [values[i] ?? 0, oldValues[i] ?? 0, returns[i] ?? 0];
    const clipped = Math.min(Math.max(value, before - settings.valueClip), before + settings.valueClip);
    const isClipped = (clipped - wanted) ** 2 > (value - wanted) ** 2;
    const error = isClipped ? clipped - wanted : value - wanted;
    valueLoss += weightAt(i) * 0.5 * error ** 2;
    if (!isClipped) dValues[i] = settings.valueWeight * weightAt(i) * error;
    figures.valueLoss += 0.5 * error ** 2;
    if (isClipped) figures.valueClipped++;
    figures.approxKl += 0.5 * ((logProbabilities[i] ?? 0) - (old[i] ?? 0)) ** 2;
    if (!entropies) continue;
    const entropy = entropies[i] ?? 0;
    figures.entropy += entropy;
    entropyLoss += weightAt(i) * entropy;
    if (settings.entropyWeight !== 0) dEntropies[i] = -settings.entropyWeight * weightAt(i);
  }
  requireFinite("gradient of the value", dValues, bounds);
  return {
    loss: policy.loss + settings.valueWeight * valueLoss - settings.entropyWeight * entropyLoss,
    gradients: { logProbabilities: policy.gradient, values: dValues, entropies: dEntropies },
    figures,
  };
}

export function addPpoFigures(a: PpoFigures, b: PpoFigures): PpoFigures {
  return {
    policy: addPolicyFigures(a.policy, b.policy),
    policyLoss: a.policyLoss + b.policyLoss,
    valueLoss: a.valueLoss + b.valueLoss,
    entropy: a.entropy + b.entropy,
    approxKl: a.approxKl + b.approxKl,
    valueClipped: a.valueClipped + b.valueClipped,
  };
}

/** Means over tokens. */
export function ppoMetrics(figures: PpoFigures) {
  const mean = (sum: number) => sum / Math.max(figures.policy.tokens, 1);
  return {
    "loss/policy": mean(figures.policyLoss),
    "loss/value": mean(figures.valueLoss),
    entropy: mean(figures.entropy),
    "clip_ratio/region_mean": mean(figures.policy.region),
    "clip_ratio/low_mean": mean(figures.policy.low),
    "clip_ratio/high_mean": mean(figures.policy.high),
    "value/clip_ratio": mean(figures.valueClipped),
    "policy/approx_kl": mean(figures.approxKl),
  };
}

/** 1 − Var(R − V) / Var(R): 1 is a perfect forecast, 0 as good as a constant; null where the returns do not vary. */
export function explainedVariance(values: Numbers, returns: Numbers): number | null {
  requireLength("returns", returns, values.length);
  const left = meanAndSpread(Float64Array.from(values, (value, i) => (returns[i] ?? Number.NaN) - value)).spread;
  const all = meanAndSpread(returns).spread;
  return all > 0 ? 1 - (left / all) ** 2 : null;
}

export type KlEstimator = "k1" | "k2" | "k3";

/**
 * Each token's estimate of KL(π ‖ reference) from its own log-probabilities [M], nats (Schulman 2020, "Approximating KL
 * divergence"): k1 = log π − log ref, k2 = ½ k1², k3 = exp(−k1) + k1 − 1.
 */
export function tokenDivergence(kind: KlEstimator, logProbabilities: Numbers, reference: Numbers): Float64Array {
  requireLength("reference", reference, logProbabilities.length);
  return Float64Array.from(logProbabilities, (logProbability, i) => {
    const k1 = logProbability - (reference[i] ?? Number.NaN);
    return kind === "k1" ? k1 : kind === "k2" ? 0.5 * k1 ** 2 : Math.expm1(-k1) + k1;
  });
}

/**
 * What each token earns, [M]: −coefficient · its divergence, and at a sequence's last token the answer's score [S]. The
 * score of an empty sequence has no token to stand at and is lost.
 */
export function tokenRewards(scores: Numbers, divergence: Numbers, bounds: Numbers, coefficient: number): Float64Array {
  const S = sequencesIn(bounds, divergence.length);
  requireLength("scores", scores, S);
  const rewards = Float64Array.from(divergence, (kl) => -coefficient * kl);
  for (let s = 0; s < S; s++) {
    const last = (bounds[s + 1] ?? 0) - 1;
    if (last >= (bounds[s] ?? 0)) rewards[last] = (rewards[last] ?? 0) + (scores[s] ?? Number.NaN);
  }
  requireFinite("reward", rewards, bounds);
  return rewards;
}

/**
 * Ziegler et al. 2019, 2.2: coefficient · (1 + clip(kl/target − 1, ±0.2) · answers/horizon). `kl` is the mean divergence
 * of a whole answer, `answers` how many were written since the last call. A target of 0 leaves the coefficient as it is.
 */
export function nextKlCoefficient(
  coefficient: number,
  kl: number,
  answers: number,
  { target, horizon }: { target: number; horizon: number },
): number {
  if (target === 0) return coefficient;
  requireFinite("the divergence", [kl]);
  const error = Math.min(Math.max(kl / target - 1, -0.2), 0.2);
  return coefficient * (1 + (error * answers) / horizon);
}

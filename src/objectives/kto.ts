/** @file Kahneman–Tversky optimisation: the loss of single answers judged good or bad. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { sigmoid } from "./logistic";
import { type Numbers, requireFinite, requireLength } from "./sequences";

export type KtoSettings = {
  /** `apo_zero_unpaired` is D'Oosterlinck et al. 2024's form, which needs no divergence. */
  loss: "kto" | "apo_zero_unpaired";
  beta: number;
  desirableWeight: number;
  undesirableWeight: number;
};

/** S answers, each [S]. */
export type KtoBatch = {
  /** Sums over each answer's tokens, nats (`sumsOf`). */
  logProbabilities: Numbers;
  reference: Numbers;
  isDesirable: readonly boolean[];
  /** Of the policy from the reference, see `mismatchedDivergence`. */
  divergence: number;
};

/** Sums, so that those of micro-batches add up (`addKtoFigures`). */
export type KtoFigures = Record<
  "desirable" | "undesirable",
  { answers: number; rewards: number; logProbabilities: number }
>;

export const noKtoFigures: KtoFigures = {
  desirable: { answers: 0, rewards: 0, logProbabilities: 0 },
  undesirable: { answers: 0, rewards: 0, logProbabilities: 0 },
};

/**
 * max(0, mean of log π − log ref) over answers to prompts that are not theirs; [S] sums of each. TRL pairs each prompt
 * of a batch with the answer of the one before it, and the first with the last one's. Nothing is trained through it.
 */
export function mismatchedDivergence(logProbabilities: Numbers, reference: Numbers): number {
  const S = logProbabilities.length;
  requireLength("reference", reference, S);
  requireFinite("logProbabilities", logProbabilities);
  requireFinite("reference", reference);
  let sum = 0;
  for (let s = 0; s < S; s++) sum += (logProbabilities[s] ?? 0) - (reference[s] ?? 0);
  return S > 0 ? Math.max(0, sum / S) : 0;
}

/**
 * With h = log π − log ref: desirable answers cost w_d (1 − σ(β(h − kl))), undesirable ones w_u (1 − σ(β(kl − h))), a mean
 * over the window's `answers` (Ethayarajh et al. 2024, eq. 7, as TRL 1.13's KTOTrainer has it). `gradient` [S] is by each
 * answer's sum. Throws `run.diverged` where a number is not finite.
 */
export function ktoLoss(
  batch: KtoBatch,
  settings: KtoSettings,
  window: { answers: number },
): { loss: number; gradient: Float32Array; figures: KtoFigures } {
  const { logProbabilities, reference, isDesirable } = batch;
  const S = logProbabilities.length;
  requireLength("reference", reference, S);
  if (isDesirable.length !== S) throw new StudioError("bug", say`${S} answers have ${isDesirable.length} labels`);
  requireFinite("logProbabilities", logProbabilities);
  requireFinite("reference", reference);
  const divergence = settings.loss === "kto" ? batch.divergence : 0;
  requireFinite("the divergence", [divergence]);
  const figures: KtoFigures = {
    desirable: { ...noKtoFigures.desirable },
    undesirable: { ...noKtoFigures.undesirable },
  };
  const gradient = new Float32Array(S);
  let loss = 0;
  for (let s = 0; s < S; s++) {
    const kind = isDesirable[s] === true ? "desirable" : "undesirable";
    const sign = kind === "desirable" ? 1 : -1;
    const ratio = (logProbabilities[s] ?? 0) - (reference[s] ?? 0);
    const z = sign * settings.beta * (ratio - divergence);
    const weight = settings[`${kind}Weight`] / window.answers;
    loss += weight * sigmoid(-z);
    gradient[s] = -weight * sign * settings.beta * sigmoid(z) * sigmoid(-z);
    figures[kind].answers++;
    figures[kind].rewards += settings.beta * ratio;
    figures[kind].logProbabilities += logProbabilities[s] ?? 0;
  }
  return { loss, gradient, figures };
}

export function addKtoFigures(a: KtoFigures, b: KtoFigures): KtoFigures {
  const sum = (kind: keyof KtoFigures) => ({
    answers: a[kind].answers + b[kind].answers,
    rewards: a[kind].rewards + b[kind].rewards,
    logProbabilities: a[kind].logProbabilities + b[kind].logProbabilities,
  });
  return { desirable: sum("desirable"), undesirable: sum("undesirable") };
}

/** Means under TRL's names; what has no answers is left out. */
export function ktoMetrics({ desirable, undesirable }: KtoFigures): Partial<Record<KtoMetric, number>> {
  const of = ({ answers, rewards, logProbabilities }: KtoFigures["desirable"]) =>
    answers > 0 ? { reward: rewards / answers, logProbability: logProbabilities / answers } : null;
  const [chosen, rejected] = [of(desirable), of(undesirable)];
  return {
    ...(chosen && { "rewards/chosen": chosen.reward, "logps/chosen": chosen.logProbability }),
    ...(rejected && { "rewards/rejected": rejected.reward, "logps/rejected": rejected.logProbability }),
    ...(chosen && rejected && { "rewards/margins": chosen.reward - rejected.reward }),
  };
}

type KtoMetric = `${"rewards" | "logps"}/${"chosen" | "rejected"}` | "rewards/margins";

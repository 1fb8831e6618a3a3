/** @file Watches a run's metrics for what a person should be told: no number, a spike, a plateau, a drift, a reward gamed. */

import type { Alert, EvalMetrics, StepMetrics } from "../core/metrics";
import { standardError } from "./gsm8k";

/** Losses a spike is measured against, and how many must have come first. */
const windowSize = 50;
const warmUp = 20;
/** Standard deviations above the mean that make a spike; the deviation counts as at least this share of the mean. */
const spikeDeviations = 6;
const leastDeviation = 0.02;
/** Nats: at the end of a good run a single hard batch stands far above the rest, and harms nothing. */
const leastJump = 0.25;
/** Evaluations without a fall of at least this share that make a plateau. */
const plateauEvaluations = 5;
const leastFall = 0.001;

/**
 * Nats a token away from where the run began, from which on the model is another one: its own tokens are then e^½ = 1.6
 * times likelier to it than to its start, on average. Of the last steps the median counts, as one token that the
 * start held impossible lifts a single step's estimate, exp(d) − d − 1, to any height. Told again only after it came back.
 */
const farKl = 0.5;
const nearKl = 0.4;
const klWindow = 5;
/**
 * Steps whose mean reward is held against that of as many before. A rise of more than twice its standard error beside an
 * accuracy below that of recent evaluations by more than its own is what gaming looks like; each alone is noise or learning.
 */
const rewardWindow = 20;
const leastRise = 2;
const recentEvaluations = 5;
/**
 * A reward that is easily gamed has risen long before two windows are full. So it is also held against what it was at the
 * best of those evaluations, or in the first steps after it; as that may be long ago, accuracy must have fallen by twice its error.
 */
const firstRewards = 10;
const clearFall = 2;

type PastShare = { share: number; squaredError: number; rewards: number[] };

/** What a watch goes by, as JSON has it: a checkpoint keeps it, so that a run that goes on is told what it would have been. */
export type AlertMemory = {
  losses: number[];
  isSpiking: boolean;
  wasNaN: boolean;
  /** Lowest evaluation loss; null before the first. */
  best: number | null;
  /** Evaluations since then. */
  since: number;
  /** Rewards do not aim at the rows' own answers: that these become no likelier says nothing. */
  isRewarded: boolean;
  kls: number[];
  isFar: boolean;
  rewards: number[];
  past: PastShare[];
  wasGamed: boolean;
};

export const newAlertMemory = (): AlertMemory => ({
  losses: [],
  isSpiking: false,
  wasNaN: false,
  best: null,
  since: 0,
  isRewarded: false,
  kls: [],
  isFar: false,
  rewards: [],
  past: [],
  wasGamed: false,
});

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const squaredError = (values: readonly number[]) => {
  const middle = mean(values);
  return values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1) / values.length;
};
const hasRisen = (earlier: readonly number[], later: readonly number[]) =>
  mean(later) - mean(earlier) > leastRise * Math.sqrt(squaredError(earlier) + squaredError(later));

function watchKl(memory: AlertMemory, { step, kl, reward }: StepMetrics): Alert[] {
  const { kls, isFar: wasFar } = memory;
  // KTO's is of whole answers that belong to other prompts
  if (kl === undefined || !Number.isFinite(kl) || reward === undefined) return [];
  kls.push(kl);
  if (kls.length > klWindow) kls.shift();
  const median = kls.toSorted((a, b) => a - b)[klWindow >> 1];
  if (kls.length < klWindow || median === undefined) return [];
  memory.isFar = median > (wasFar ? nearKl : farKl);
  return memory.isFar && !wasFar ? [{ step, kind: "kl", value: median }] : [];
}

function noteReward({ rewards, past }: AlertMemory, { reward }: StepMetrics): void {
  if (reward === undefined || !Number.isFinite(reward)) return;
  rewards.push(reward);
  if (rewards.length > 2 * rewardWindow) rewards.shift();
  for (const { rewards: since } of past) if (since.length < firstRewards) since.push(reward);
}

/** Whether a reward is gamed: it rises while what it stands for falls. */
function watchGaming(memory: AlertMemory, metrics: EvalMetrics): Alert[] {
  const { rewards, past, wasGamed } = memory;
  const share = metrics["gsm8k/strict"] ?? metrics.exact_match;
  if (share === null || metrics.n < 2) return [];
  const [earlier, later] = [rewards.slice(0, -rewardWindow), rewards.slice(-rewardWindow)];
  const now: PastShare = { share, squaredError: standardError(share, metrics.n) ** 2, rewards: later };
  const best = past.reduce((a, b) => (b.share > a.share ? b : a), now);
  past.push({ ...now, rewards: [...later] });
  if (past.length > recentEvaluations) past.shift();
  const fall = best.share - share;
  const error = Math.sqrt(best.squaredError + now.squaredError);
  const isRising = earlier.length === rewardWindow && hasRisen(earlier, later);
  const rises = [best.rewards.length, later.length].every((n) => n >= firstRewards) && hasRisen(best.rewards, later);
  const isTold = (fall > error && isRising) || (fall > clearFall * error && rises);
  memory.wasGamed = fall > error && (wasGamed || isTold);
  return isTold && !wasGamed ? [{ step: metrics.step, kind: "gaming", value: fall }] : [];
}

function watchStep(memory: AlertMemory, metrics: StepMetrics): Alert[] {
  const { losses, wasNaN, isSpiking: wasSpiking } = memory;
  const { step, "train/loss": loss, "train/grad_norm": norm } = metrics;
  memory.isRewarded ||= metrics.reward !== undefined;
  noteReward(memory, metrics);
  const drift = watchKl(memory, metrics);
  memory.wasNaN = !Number.isFinite(loss) || !Number.isFinite(norm);
  if (memory.wasNaN) {
    return wasNaN ? drift : [{ step, kind: "nan", value: Number.isFinite(loss) ? norm : loss }, ...drift];
  }
  memory.isSpiking = false;
  if (losses.length >= warmUp) {
    const middle = mean(losses);
    const deviation = Math.sqrt(losses.reduce((sum, x) => sum + (x - middle) ** 2, 0) / losses.length);
    memory.isSpiking =
      loss - middle > Math.max(leastJump, spikeDeviations * Math.max(deviation, leastDeviation * middle));
  }
  losses.push(loss);
  if (losses.length > windowSize) losses.shift();
  return memory.isSpiking && !wasSpiking ? [{ step, kind: "spike", value: loss }, ...drift] : drift;
}

function watchLoss(memory: AlertMemory, metrics: EvalMetrics): Alert[] {
  const loss = metrics["eval/loss"];
  if (loss === null || !Number.isFinite(loss) || memory.isRewarded) return [];
  if (memory.best === null || loss < memory.best * (1 - leastFall)) {
    memory.best = loss;
    memory.since = 0;
    return [];
  }
  memory.since++;
  return memory.since === plateauEvaluations ? [{ step: metrics.step, kind: "plateau", value: loss }] : [];
}

/**
 * A watch over one run, which answers the alerts of each metric in turn. `memory` is changed by what it is told; one that
 * was kept goes on where it was.
 */
export function newAlertWatch(memory = newAlertMemory()): (metrics: StepMetrics | EvalMetrics) => Alert[] {
  return (metrics) =>
    "train/loss" in metrics
      ? watchStep(memory, metrics)
      : [...watchLoss(memory, metrics), ...watchGaming(memory, metrics)];
}

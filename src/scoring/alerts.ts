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

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const squaredError = (values: readonly number[]) => {
  const middle = mean(values);
  return values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1) / values.length;
};

function newKlWatch(): (metrics: StepMetrics) => Alert[] {
  const window: number[] = [];
  let isFar = false;
  return ({ step, kl, reward }) => {
    // KTO's is of whole answers that belong to other prompts
    if (kl === undefined || !Number.isFinite(kl) || reward === undefined) return [];
    window.push(kl);
    if (window.length > klWindow) window.shift();
    const median = window.toSorted((a, b) => a - b)[klWindow >> 1];
    if (window.length < klWindow || median === undefined) return [];
    const wasFar = isFar;
    isFar = median > (wasFar ? nearKl : farKl);
    return isFar && !wasFar ? [{ step, kind: "kl", value: median }] : [];
  };
}

/** Whether a reward is gamed: it rises while what it stands for falls. */
function newGamingWatch() {
  const rewards: number[] = [];
  const past: { share: number; squaredError: number }[] = [];
  let wasGamed = false;
  return {
    step({ reward }: StepMetrics): void {
      if (reward === undefined || !Number.isFinite(reward)) return;
      rewards.push(reward);
      if (rewards.length > 2 * rewardWindow) rewards.shift();
    },
    evaluation(metrics: EvalMetrics): Alert[] {
      const share = metrics["gsm8k/strict"] ?? metrics.exact_match;
      if (share === null || metrics.n < 2) return [];
      const now = { share, squaredError: standardError(share, metrics.n) ** 2 };
      const best = past.reduce((a, b) => (b.share > a.share ? b : a), now);
      past.push(now);
      if (past.length > recentEvaluations) past.shift();
      const hasFallen = best.share - share > Math.sqrt(best.squaredError + now.squaredError);
      const [earlier, later] = [rewards.slice(0, -rewardWindow), rewards.slice(-rewardWindow)];
      const noise = Math.sqrt(squaredError(earlier) + squaredError(later));
      const hasRisen = rewards.length === 2 * rewardWindow && mean(later) - mean(earlier) > leastRise * noise;
      const isNew = !wasGamed && hasFallen && hasRisen;
      wasGamed = hasFallen && (wasGamed || hasRisen);
      return isNew ? [{ step: metrics.step, kind: "gaming", value: best.share - share }] : [];
    },
  };
}

/**
 * A watch over one run. It answers the alerts of each metric in turn; its state is what it has been told, so that telling
 * it a stored history again brings it where it was.
 */
export function newAlertWatch(): (metrics: StepMetrics | EvalMetrics) => Alert[] {
  const losses: number[] = [];
  let isSpiking = false;
  let wasNaN = false;
  let best = Number.POSITIVE_INFINITY;
  let since = 0;
  const watchKl = newKlWatch();
  const gaming = newGamingWatch();
  /** Rewards do not aim at the rows' own answers: that these become no likelier says nothing. */
  let isRewarded = false;

  const watchStep = (metrics: StepMetrics): Alert[] => {
    const { step, "train/loss": loss, "train/grad_norm": norm } = metrics;
    isRewarded ||= metrics.reward !== undefined;
    gaming.step(metrics);
    const drift = watchKl(metrics);
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      const first = !wasNaN;
      wasNaN = true;
      return first ? [{ step, kind: "nan", value: Number.isFinite(loss) ? norm : loss }, ...drift] : drift;
    }
    wasNaN = false;
    const wasSpiking = isSpiking;
    isSpiking = false;
    if (losses.length >= warmUp) {
      const mean = losses.reduce((sum, x) => sum + x, 0) / losses.length;
      const deviation = Math.sqrt(losses.reduce((sum, x) => sum + (x - mean) ** 2, 0) / losses.length);
      isSpiking = loss - mean > Math.max(leastJump, spikeDeviations * Math.max(deviation, leastDeviation * mean));
    }
    losses.push(loss);
    if (losses.length > windowSize) losses.shift();
    return isSpiking && !wasSpiking ? [{ step, kind: "spike", value: loss }, ...drift] : drift;
  };

  const watchLoss = (metrics: EvalMetrics): Alert[] => {
    const loss = metrics["eval/loss"];
    if (loss === null || !Number.isFinite(loss) || isRewarded) return [];
    if (loss < best * (1 - leastFall)) {
      best = loss;
      since = 0;
      return [];
    }
    since++;
    return since === plateauEvaluations ? [{ step: metrics.step, kind: "plateau", value: loss }] : [];
  };

  return (metrics) =>
    "train/loss" in metrics ? watchStep(metrics) : [...watchLoss(metrics), ...gaming.evaluation(metrics)];
}

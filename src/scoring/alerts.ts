/** @file Watches a run's metrics for what a person should be told: no number, a spike, a plateau. */

import type { Alert, EvalMetrics, StepMetrics } from "../core/metrics";

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
 * A watch over one run. It answers the alerts of each metric in turn; its state is what it has been told, so that telling
 * it a stored history again brings it where it was.
 */
export function newAlertWatch(): (metrics: StepMetrics | EvalMetrics) => Alert[] {
  const losses: number[] = [];
  let isSpiking = false;
  let wasNaN = false;
  let best = Number.POSITIVE_INFINITY;
  let since = 0;

  const watchStep = (metrics: StepMetrics): Alert[] => {
    const { step, "train/loss": loss, "train/grad_norm": norm } = metrics;
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      const first = !wasNaN;
      wasNaN = true;
      return first ? [{ step, kind: "nan", value: Number.isFinite(loss) ? norm : loss }] : [];
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
    return isSpiking && !wasSpiking ? [{ step, kind: "spike", value: loss }] : [];
  };

  const watchEvaluation = (metrics: EvalMetrics): Alert[] => {
    const loss = metrics["eval/loss"];
    if (loss === null || !Number.isFinite(loss)) return [];
    if (loss < best * (1 - leastFall)) {
      best = loss;
      since = 0;
      return [];
    }
    since++;
    return since === plateauEvaluations ? [{ step: metrics.step, kind: "plateau", value: loss }] : [];
  };

  return (metrics) => ("train/loss" in metrics ? watchStep(metrics) : watchEvaluation(metrics));
}

/** @file What a run changed: accuracy before and after, with intervals. Pure. */

import type { EvalMetrics } from "../core/metrics";
import { type Interval, wilson } from "../scoring/intervals";

export { type Interval, wilson };

export type Change = {
  before: { share: number; interval: Interval };
  after: { share: number; interval: Interval };
  /** After minus before, with its 95 % interval; `clear` where the interval leaves 0 out. */
  difference: number;
  interval: Interval;
  clear: boolean;
};

/**
 * Newcombe's interval of a difference of two shares (1998, method 10), the two taken as independent: the same problems
 * are asked both times, so the true interval is narrower.
 */
export function compareShares(before: number, nBefore: number, after: number, nAfter: number): Change {
  const [a, b] = [wilson(before, nBefore), wilson(after, nAfter)];
  const difference = after - before;
  const interval = {
    low: difference - Math.hypot(after - b.low, a.high - before),
    high: difference + Math.hypot(b.high - after, before - a.low),
  };
  return {
    before: { share: before, interval: a },
    after: { share: after, interval: b },
    difference,
    interval,
    clear: interval.low > 0 || interval.high < 0,
  };
}

/** Which share tells how well a run does: GSM8K's strict one, exact match, or none. */
export function accuracyOf(metrics: EvalMetrics): number | null {
  return metrics["gsm8k/strict"] ?? metrics.exact_match;
}

/** Standard error of a share of n, √(p(1−p)/(n−1)), as lm-eval gives it; 0 for fewer than two. */
export function standardError(share: number, n: number): number {
  return n > 1 ? Math.sqrt((share * (1 - share)) / (n - 1)) : 0;
}

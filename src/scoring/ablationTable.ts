/** @file What an ablation found: a row a variant, with intervals, and which differences are clear. Pure. */

import type { Ablation, VariantFigures } from "../core/ablation";
import { isBase } from "../core/ablationVariants";
import type { RunId } from "../core/ids";
import type { Recipe } from "../core/recipe";
import type { Run } from "../core/run";
import { type Estimate, estimateCrossed, estimateMean, isClear, wilson } from "./intervals";

/** Shares from 0 to 1; the loss a token; seconds an optimizer step; bytes. */
export const measures = ["accuracy", "flexible", "loss", "seconds", "peak"] as const;
export type Measure = (typeof measures)[number];

export type AblationRow = {
  variant: string;
  /** Seeds whose runs are done. */
  seeds: number[];
  /** Problems asked at the end of each; null where they were not equally many. */
  problems: number | null;
  values: Record<Measure, Estimate | null>;
  figures: VariantFigures | null;
  /** This variant less the first, over the seeds that both have; null for the first itself. */
  difference: { accuracy: Estimate | null; loss: Estimate | null } | null;
  /** The share of the first variant's accuracy that is kept, with an interval linear in both. */
  kept: Estimate | null;
  /** In which measures it is clearly the best of all: each difference's interval leaves 0 out. */
  best: Measure[];
};

/** Which share is called accuracy: GSM8K's strict one, or exact match. */
export type AccuracyKind = "strict" | "exact";

export type AblationTable = { rows: AblationRow[]; accuracy: AccuracyKind | null };

/** Whether every seed is asked the same problems: rows held out by a share are drawn by the seed. */
export const sharesProblems = ({ data }: Pick<Recipe, "data">): boolean =>
  data.source === "embedded" || data.evaluationSource !== undefined;

type Done = { seed: number; run: Run };
type Found = { variant: string; done: Done[]; isCrossed: boolean; isBase: boolean };

function findDone(ablation: Ablation, runs: ReadonlyMap<RunId, Run>): Found[] {
  return ablation.variants.map(({ name: variant }) => {
    const done = ablation.cells.flatMap((cell): Done[] => {
      const run = cell.variant === variant && !cell.isLeftOut && cell.run !== null ? runs.get(cell.run) : undefined;
      return run?.status === "done" ? [{ seed: cell.seed, run }] : [];
    });
    const recipes = done.map(({ run }) => run.recipe);
    return { variant, done, isCrossed: recipes.every(sharesProblems), isBase: recipes.some(isBase) };
  });
}

const rules: Record<"accuracy" | "flexible", string> = { accuracy: "23", flexible: "13" };
const shareOf = ({ after }: Run, rule: keyof typeof rules): number | null =>
  rule === "accuracy" ? (after?.["gsm8k/strict"] ?? after?.exact_match ?? null) : (after?.["gsm8k/flexible"] ?? null);

/** 1 for each problem that was solved, 0 for others; null where the run did not keep them. */
function solved({ after }: Run, rule: keyof typeof rules): number[] | null {
  if (after?.outcomes === undefined || after.outcomes.length !== after.n) return null;
  return Array.from(after.outcomes, (outcome) => (rules[rule].includes(outcome) ? 1 : 0));
}

/** Of tables that are whole and of one width, else null. */
function asTable(rows: (number[] | null)[]): number[][] | null {
  const width = rows[0]?.length;
  return rows.every((row): row is number[] => row !== null && row.length === width && row.length > 0) ? rows : null;
}

const present = <T>(values: (T | null)[]): T[] | null =>
  values.length > 0 && values.every((value): value is T => value !== null) ? values : null;

/** A share's interval: Wilson's for one seed and where nothing varies, crossed where seeds share problems, else t over seeds. */
function estimateShare({ done, isCrossed }: Found, rule: keyof typeof rules): Estimate | null {
  const shares = present(done.map(({ run }) => shareOf(run, rule)));
  if (!shares) return null;
  const table = isCrossed ? asTable(done.map(({ run }) => solved(run, rule))) : null;
  const { mean, interval } = shares.length > 1 && table ? estimateCrossed(table) : estimateMean(shares);
  if (interval && interval.high > interval.low) {
    return { mean, interval: { low: Math.max(0, interval.low), high: Math.min(1, interval.high) } };
  }
  const n = Math.min(...done.map(({ run }) => run.after?.n ?? 0));
  return { mean, interval: n > 0 ? wilson(mean, n) : null };
}

const numberOf: Record<Exclude<Measure, "accuracy" | "flexible">, (run: Run) => number | null> = {
  loss: ({ after }) => after?.["eval/loss"] ?? null,
  seconds: ({ recipe, seconds, step }) => (step > 0 && !isBase(recipe) ? seconds / step : null),
  peak: ({ peakBytes }) => peakBytes ?? null,
};

function estimate(found: Found, measure: Measure): Estimate | null {
  if (measure === "accuracy" || measure === "flexible") return estimateShare(found, measure);
  const values = present(found.done.map(({ run }) => numberOf[measure](run)));
  if (!values) return null;
  const { mean, interval } = estimateMean(values);
  return { mean, interval: interval && { low: Math.max(0, interval.low), high: interval.high } };
}

/** Where no problem told two variants apart, so many problems bound how many could. */
function orRare(estimate: Estimate, n: number): Estimate {
  const { mean, interval } = estimate;
  if (!interval || interval.high > interval.low) return estimate;
  const { high } = wilson(0, n);
  return { mean, interval: { low: mean - high, high: mean + high } };
}

const pairsOf = (a: Found, b: Found): [Run, Run][] =>
  a.done.flatMap(({ seed, run }): [Run, Run][] => {
    const other = b.done.find((candidate) => candidate.seed === seed);
    return other ? [[run, other.run]] : [];
  });

/**
 * a − times · b, seed by seed, and problem by problem where seeds share them: the same problems make the interval
 * narrower than that of two accuracies side by side.
 */
function estimateDifference(a: Found, b: Found, measure: Measure, times = 1): Estimate | null {
  const pairs = pairsOf(a, b);
  const isShare = measure === "accuracy" || measure === "flexible";
  const numbers = present(
    pairs.map(([one, other]) => {
      const of = isShare ? (run: Run) => shareOf(run, measure) : numberOf[measure];
      const [x, y] = [of(one), of(other)];
      return x === null || y === null ? null : x - times * y;
    }),
  );
  if (!numbers) return null;
  if (isShare && ((a.isCrossed && b.isCrossed) || pairs.length === 1)) {
    const table = asTable(
      pairs.map(([one, other]) => {
        const [x, y] = [solved(one, measure), solved(other, measure)];
        return x && y?.length === x.length ? x.map((value, i) => value - times * (y[i] ?? 0)) : null;
      }),
    );
    if (table) return orRare(estimateCrossed(table), table[0]?.length ?? 0);
  }
  return estimateMean(numbers);
}

/** a / b: the ratio r of the means, and the interval of (a − r·b) over b's mean around it (the delta method). */
function estimateRatio(a: Found, b: Found): Estimate | null {
  const pairs = pairsOf(a, b);
  const sum = (which: 0 | 1) => pairs.reduce((total, pair) => total + (shareOf(pair[which], "accuracy") ?? 0), 0);
  const [over, under] = [sum(0), sum(1)];
  if (pairs.length === 0 || under === 0) return null;
  const ratio = over / under;
  const rest = estimateDifference(a, b, "accuracy", ratio);
  if (!rest) return null;
  const scale = pairs.length / under;
  const { interval } = rest;
  return {
    mean: ratio,
    interval: interval && {
      low: ratio + scale * (interval.low - rest.mean),
      high: ratio + scale * (interval.high - rest.mean),
    },
  };
}

const higherIsBetter: Partial<Record<Measure, boolean>> = {
  accuracy: true,
  flexible: true,
  loss: false,
  seconds: false,
};

function isBest(found: Found, others: readonly Found[], measure: Measure): boolean {
  const isHigher = higherIsBetter[measure];
  if (isHigher === undefined || others.length === 0) return false;
  return others.every((other) => {
    const difference = estimateDifference(found, other, measure);
    return difference !== null && isClear(difference) && difference.mean > 0 === isHigher;
  });
}

function problemsOf({ done }: Found): number | null {
  const counts = new Set(done.map(({ run }) => run.after?.n ?? 0));
  return counts.size === 1 ? ([...counts][0] ?? null) : null;
}

/** @param runs those of the ablation's cells, as far as they are known; the ones that are done count. */
export function newAblationTable(ablation: Ablation, runs: ReadonlyMap<RunId, Run>): AblationTable {
  const found = findDone(ablation, runs);
  const [first] = found;
  const rows = found.map((one): AblationRow => {
    const isFirst = one === first;
    const others = (measure: Measure) =>
      found.filter((other) => other !== one && other.done.length > 0 && estimate(other, measure) !== null);
    return {
      variant: one.variant,
      seeds: one.done.map(({ seed }) => seed),
      problems: problemsOf(one),
      values: Object.fromEntries(measures.map((measure) => [measure, estimate(one, measure)])) as AblationRow["values"],
      figures: ablation.figures[one.variant] ?? null,
      difference:
        isFirst || !first
          ? null
          : { accuracy: estimateDifference(one, first, "accuracy"), loss: estimateDifference(one, first, "loss") },
      kept: isFirst || !first ? null : estimateRatio(one, first),
      best: measures.filter((measure) => one.done.length > 0 && isBest(one, others(measure), measure)),
    };
  });
  const ended = found.flatMap(({ done }) => done.map(({ run }) => run.after));
  const isStrict = ended.some((after) => after?.["gsm8k/strict"] != null);
  const isExact = ended.some((after) => after?.exact_match != null);
  return { rows, accuracy: isStrict ? "strict" : isExact ? "exact" : null };
}

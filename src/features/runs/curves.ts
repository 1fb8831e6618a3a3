/** @file A run's series as curves to draw, over steps or over training time. Pure. */

import type { EvalMetrics, FigureName, RewardChange } from "../../core/metrics";
import type { Recipe } from "../../core/recipe";
import { standardError } from "../../state/runsSummary";
import type { RunSeries } from "../../state/series";
import { type Columns, type StepColumn, secondsAt } from "../../state/seriesColumns";
import type { Curve } from "../../ui/charts/curve";
import type { PlotMark } from "../../ui/charts/PlotLayers";
import { smooth } from "../../ui/charts/smooth";
import { growingEnd } from "../../ui/charts/ticks";

export type AxisKind = "step" | "time";
export type TimeUnit = "seconds" | "minutes" | "hours";

export type RunAxis = {
  kind: AxisKind;
  unit: TimeUnit;
  end: number;
};

const inSeconds: Record<TimeUnit, number> = { seconds: 1, minutes: 60, hours: 3600 };

/** How heavy the smoothing of a run's training loss is: over about a fortieth of its steps, 2 to 25 of them. */
export const smoothingOf = (steps: number) => 1 - 1 / Math.min(25, Math.max(2, steps / 40));

/** @param steps of the whole schedule; @param isActive the axis then leaves room to grow, and changes rarely */
export function runAxis(series: RunSeries, kind: AxisKind, steps: number, isActive: boolean): RunAxis {
  const { columns, evals } = series;
  const step = Math.max(columns.step.at(-1) ?? 0, evals.at(-1)?.step ?? 0);
  const seconds = columns.seconds.at(-1) ?? 0;
  const unit: TimeUnit = seconds < 180 ? "seconds" : seconds < 3 * 3600 ? "minutes" : "hours";
  if (kind === "step") {
    const least = Math.min(10, steps);
    return { kind, unit, end: isActive ? Math.ceil(growingEnd(Math.max(step, least), steps)) : Math.max(1, step) };
  }
  const now = Math.max(seconds / inSeconds[unit], 0.001);
  return { kind, unit, end: isActive ? 2 ** Math.ceil(Math.log2(now)) : now };
}

function stepX(columns: Columns, axis: RunAxis): ArrayLike<number> {
  if (axis.kind === "step") return columns.step;
  const scale = inSeconds[axis.unit];
  return scale === 1 ? columns.seconds : columns.seconds.map((seconds) => seconds / scale);
}

type Source = Pick<RunSeries, "columns" | "evals">;

const evalX = (columns: Columns, axis: RunAxis, step: number) =>
  axis.kind === "step" ? step : secondsAt(columns, step) / inSeconds[axis.unit];

type Drawing = Pick<Curve, "id" | "label" | "color" | "look">;

export function stepCurve(columns: Columns, axis: RunAxis, column: StepColumn, drawing: Drawing): Curve {
  return { ...drawing, steps: columns.step, x: stepX(columns, axis), y: columns[column] };
}

export type EvalKey =
  | "gsm8k/strict"
  | "gsm8k/flexible"
  | "gsm8k/pass"
  | "exact_match"
  | "eval/loss"
  | "rewards/accuracies"
  | "rewards/margins";

const measured = (metrics: EvalMetrics, key: EvalKey): number | null => metrics[key] ?? null;

/** @param isShare error bars of one standard error are drawn */
export function evalCurve(series: Source, axis: RunAxis, key: EvalKey, drawing: Drawing, isShare: boolean): Curve {
  const known = series.evals.filter((metrics) => measured(metrics, key) !== null);
  const y = known.map((metrics) => measured(metrics, key) ?? Number.NaN);
  return {
    ...drawing,
    steps: known.map(({ step }) => step),
    x: known.map(({ step }) => evalX(series.columns, axis, step)),
    y,
    dots: true,
    ...(isShare ? { error: known.map(({ n }, i) => standardError(y[i] ?? 0, n)) } : {}),
  };
}

/** The training loss as measured and smoothed. */
export function lossCurves(columns: Columns, axis: RunAxis, weight: number, raw: Drawing, smoothed: Drawing): Curve[] {
  const measured = stepCurve(columns, axis, "train/loss", raw);
  return [measured, { ...measured, ...smoothed, y: smooth(columns["train/loss"], weight) }];
}

const noFigure = new Float64Array(0);

/** @param spread the figure that is half the width of the band */
export function figureCurve(
  columns: Columns,
  axis: RunAxis,
  figure: FigureName,
  drawing: Drawing,
  spread?: FigureName,
): Curve {
  const band = spread && columns.figures[spread];
  const y = columns.figures[figure] ?? noFigure;
  return { ...drawing, steps: columns.step, x: stepX(columns, axis), y, ...(band ? { band } : {}) };
}

/** The line between imitation and rewards, where a recipe has both. */
export function stageMarks(columns: Columns, axis: RunAxis, recipe: Recipe, sides?: PlotMark["sides"]): PlotMark[] {
  const steps = recipe.sftFirst?.steps;
  if (steps === undefined) return [];
  return [{ x: evalX(columns, axis, steps), tone: "stage", ...(sides ? { sides } : {}) }];
}

/** Where a reward was mended: what is left of it was rated by other code. */
export const changeMarks = (columns: Columns, axis: RunAxis, changes: readonly RewardChange[]): PlotMark[] =>
  changes.map(({ step }) => ({ x: evalX(columns, axis, step), tone: "warn" }));

/** Where along the axis an alert's mark stands. */
export function alertMarks(series: Pick<RunSeries, "columns" | "alerts">, axis: RunAxis): PlotMark[] {
  return series.alerts.map(({ step, kind }) => ({
    x: evalX(series.columns, axis, step),
    tone: kind === "nan" ? "bad" : "warn",
  }));
}

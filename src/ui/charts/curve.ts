/** @file A curve of a chart as numbers, and what a chart needs to know of its curves. Pure. */

import { downsample } from "./downsample";
import { logTicks, niceTicks } from "./ticks";

export type Curve = {
  /** Under this name Hugging Face's Trainer logs it; the column of the CSV. */
  id: string;
  label: string;
  /** A colour the page knows: `var(--series-1)`. */
  color: string;
  /** `faint`: as measured, behind its smoothed self. */
  look: "faint" | "strong" | "dashed";
  /** All of one length: the step, the place on the axis (the step or seconds), the value; not finite where there is none. */
  steps: ArrayLike<number>;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Half the length of the error bars; a band is drawn through their ends. */
  error?: ArrayLike<number>;
  /** Half the width of a band alone: a spread, which is no error. */
  band?: ArrayLike<number>;
  /** A dot at every point: for curves of few points. */
  dots?: boolean;
};

export type Axis = { low: number; high: number; ticks: number[]; isLog: boolean };

/** More points than pixels draw the same line; a thousand is the most. */
export const pointLimit = (width: number) => Math.max(3, Math.min(1000, Math.round(width)));

export function lastFinite(values: ArrayLike<number>): number {
  for (let i = values.length - 1; i >= 0; i--) if (Number.isFinite(values[i])) return i;
  return -1;
}

export const hasPoints = (curves: readonly Curve[]) => curves.some((curve) => lastFinite(curve.y) >= 0);

const finiteOr0 = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : 0);

/** Lowest and highest value drawn, error bars and bands included; null where there is none. With `isLog` only what is above 0. */
export function range(curves: readonly Curve[], isLog: boolean): { low: number; high: number } | null {
  let low = Infinity;
  let high = -Infinity;
  for (const { y, error, band } of curves) {
    for (let i = 0; i < y.length; i++) {
      const value = y[i] ?? Number.NaN;
      const half = finiteOr0(error?.[i] ?? band?.[i]);
      if (!Number.isFinite(value) || (isLog && value - half <= 0)) continue;
      low = Math.min(low, value - half);
      high = Math.max(high, value + half);
    }
  }
  return low <= high ? { low, high } : null;
}

export type AxisWish = {
  isLog?: boolean;
  /** The axis goes at least so far down and up. */
  from?: number;
  to?: number;
  /** And never further up. */
  atMost?: number;
};

/** A value axis with round ends. */
export function valueAxis(curves: readonly Curve[], height: number, wish: AxisWish): Axis {
  const found = range(curves, wish.isLog ?? false);
  const isLog = (wish.isLog ?? false) && found !== null;
  const low = Math.min(found?.low ?? 0, isLog ? Infinity : (wish.from ?? Infinity));
  const high = Math.max(found?.high ?? 1, wish.to ?? -Infinity);
  const ticks = isLog
    ? logTicks(low, high)
    : niceTicks(Math.max(low, wish.from ?? low), high, Math.max(3, height / 40));
  const kept = wish.atMost === undefined ? ticks : ticks.filter((tick) => tick <= (wish.atMost ?? Infinity));
  return { low: kept[0] ?? 0, high: kept.at(-1) ?? 1, ticks: kept, isLog };
}

/** Where a value lies on an axis drawn from `start` to `end` pixels. */
export function place(axis: Pick<Axis, "low" | "high" | "isLog">, value: number, start: number, end: number): number {
  const f = axis.isLog ? Math.log : (v: number) => v;
  return start + ((f(value) - f(axis.low)) / (f(axis.high) - f(axis.low))) * (end - start);
}

/** Index of the point nearest to `x` among those that have a value, or −1. */
export function nearest(curve: Pick<Curve, "x" | "y">, x: number): number {
  const { x: xs, y } = curve;
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((xs[middle] ?? Infinity) < x) low = middle + 1;
    else high = middle;
  }
  let left = low - 1;
  while (left >= 0 && !Number.isFinite(y[left])) left--;
  let right = low;
  while (right < xs.length && !Number.isFinite(y[right])) right++;
  if (left < 0) return right < xs.length ? right : -1;
  if (right >= xs.length) return left;
  return x - (xs[left] ?? 0) <= (xs[right] ?? 0) - x ? left : right;
}

type Project = (value: number) => number;

const at = (list: ArrayLike<number>, i: number) => list[i] ?? Number.NaN;
const written = (value: number) => value.toFixed(1);

/** The line through a curve's points as an SVG path of at most `limit` points. */
export function linePath(curve: Curve, toX: Project, toY: Project, limit: number): string {
  let path = "";
  let points = 0;
  for (const i of downsample(curve.x, curve.y, limit)) {
    const y = toY(at(curve.y, i));
    if (!Number.isFinite(y)) continue;
    path += `${points === 0 ? "M" : "L"}${written(toX(at(curve.x, i)))} ${written(y)}`;
    points++;
  }
  return points === 1 ? `${path}h0.01` : path; // with round ends a dot
}

/** The band between the error bars' ends, or of the spread, as a closed SVG path; empty where there is neither. */
export function bandPath(curve: Curve, toX: Project, toY: Project): string {
  const error = curve.error ?? curve.band;
  if (!error) return "";
  const points = [...downsample(curve.x, curve.y, 1000)].filter((i) => Number.isFinite(at(error, i)));
  if (points.length < 2) return "";
  const edge = (sign: number) => (i: number) =>
    `${written(toX(at(curve.x, i)))} ${written(toY(at(curve.y, i) + sign * at(error, i)))}`;
  return `M${[...points.map(edge(1)), ...points.toReversed().map(edge(-1))].join("L")}Z`;
}

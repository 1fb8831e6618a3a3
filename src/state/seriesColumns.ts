/** @file Step metrics as columns of numbers: appending costs one write a column, a hundred thousand steps cost 6 MB. */

import type { FigureName, StepMetrics } from "../core/metrics";

export const stepColumns = [
  "step",
  "seconds",
  "train/loss",
  "train/grad_norm",
  "train/learning_rate",
  "train/epoch",
  "tokens",
  "tokens_per_second",
] as const satisfies readonly (keyof StepMetrics)[];

export type StepColumn = (typeof stepColumns)[number];

/** Views [steps] of buffers that only ever grow at their end, so a view once handed out never changes. */
export type Columns = Readonly<Record<StepColumn, Float64Array>> & {
  /** What single objectives measure besides, as far as it was measured; NaN at steps that did not. */
  readonly figures: Readonly<{ [name in FigureName]?: Float64Array }>;
};

const isStepColumn: ReadonlySet<string> = new Set(stepColumns);
const empty = new Float64Array(0);

const table = (column: (name: StepColumn) => Float64Array): Record<StepColumn, Float64Array> =>
  Object.fromEntries(stepColumns.map((name) => [name, column(name)])) as Record<StepColumn, Float64Array>;

const figureTable = (names: Iterable<string>, column: (name: FigureName) => Float64Array): Columns["figures"] =>
  Object.fromEntries([...names].map((name) => [name, column(name as FigureName)]));

export const newColumns = (): Columns => ({ ...table(() => empty), figures: {} });

/** A view one longer, in the same buffer while that has room. What it had is all of `length`, or nothing yet. */
function append(column: Float64Array, length: number, value: number): Float64Array {
  let { buffer } = column;
  if (column.length < length || buffer.byteLength / Float64Array.BYTES_PER_ELEMENT <= length) {
    const larger = new Float64Array(Math.max(64, length * 2));
    larger.set(column);
    larger.fill(Number.NaN, column.length, length);
    buffer = larger.buffer;
  }
  const longer = new Float64Array(buffer, 0, length + 1);
  longer[length] = value;
  return longer;
}

/** Columns one step longer, sharing the buffer while it has room: append to the newest columns only. */
export function appendStep(columns: Columns, metrics: StepMetrics): Columns {
  const { length } = columns.step;
  const { figures } = columns;
  const told = Object.keys(metrics).filter((name) => !isStepColumn.has(name));
  const names = new Set([...Object.keys(figures), ...told]);
  return {
    ...table((name) => append(columns[name], length, metrics[name])),
    figures: figureTable(names, (name) => append(figures[name] ?? empty, length, metrics[name] ?? Number.NaN)),
  };
}

/** Columns up to, without, `step`. Copies, since views of the longer ones may be in use. */
export function truncateColumns(columns: Columns, step: number): Columns {
  const length = lowerBound(columns.step, step);
  const { figures } = columns;
  return {
    ...table((name) => columns[name].slice(0, length)),
    figures: figureTable(Object.keys(figures), (name) => (figures[name] ?? empty).slice(0, length)),
  };
}

/** A figure's latest value, of the last step alone; null where that measured none. */
export function latestFigure({ figures }: Columns, name: FigureName): number | null {
  const value = figures[name]?.at(-1);
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** Index of the first entry ≥ `value` in an ascending list, or its length. */
export function lowerBound(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Seconds of training at a step: the column's entry, between entries on the straight line, 0 at step 0. */
export function secondsAt(columns: Columns, step: number): number {
  const i = lowerBound(columns.step, step);
  const [x1, y1] = [columns.step[i], columns.seconds[i]];
  const [x0, y0] = [columns.step[i - 1] ?? 0, columns.seconds[i - 1] ?? 0];
  if (x1 === undefined || y1 === undefined) return y0;
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (step - x0)) / (x1 - x0);
}

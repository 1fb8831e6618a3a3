/** @file Step metrics as columns of numbers: appending costs one write a column, a hundred thousand steps cost 6 MB. */

import type { StepMetrics } from "../core/metrics";

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
export type Columns = Readonly<Record<StepColumn, Float64Array>>;

const table = (column: (name: StepColumn) => Float64Array): Columns =>
  Object.fromEntries(stepColumns.map((name) => [name, column(name)])) as Record<StepColumn, Float64Array>;

export const newColumns = (): Columns => table(() => new Float64Array(0));

/** Columns one step longer, sharing the buffer while it has room: append to the newest columns only. */
export function appendStep(columns: Columns, metrics: StepMetrics): Columns {
  return table((name) => {
    const column = columns[name];
    const { length } = column;
    const room = column.buffer.byteLength / Float64Array.BYTES_PER_ELEMENT;
    let buffer: ArrayBufferLike = column.buffer;
    if (room <= length) {
      const larger = new Float64Array(Math.max(64, length * 2));
      larger.set(column);
      buffer = larger.buffer;
    }
    const longer = new Float64Array(buffer, 0, length + 1);
    longer[length] = metrics[name];
    return longer;
  });
}

/** Columns up to, without, `step`. Copies, since views of the longer ones may be in use. */
export function truncateColumns(columns: Columns, step: number): Columns {
  const length = lowerBound(columns.step, step);
  return table((name) => columns[name].slice(0, length));
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

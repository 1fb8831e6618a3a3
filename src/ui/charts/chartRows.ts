/** @file Curves of different steps as rows of one table. */

import type { Curve } from "./curve";

export type ChartRow = { step: number; values: (number | undefined)[] };

type Numbers = Pick<Curve, "steps" | "y" | "dots">;

/** A row a step, ascending. With more than `limit`, every so many are kept; points of curves drawn with dots always are. */
export function chartRows(curves: readonly Numbers[], limit = Infinity): ChartRow[] {
  const rows = new Map<number, (number | undefined)[]>();
  const kept = new Set<number>();
  curves.forEach(({ steps, y, dots }, column) => {
    for (let i = 0; i < steps.length; i++) {
      const [step, value] = [steps[i], y[i]];
      if (step === undefined || value === undefined || !Number.isFinite(value)) continue;
      const row = rows.get(step) ?? new Array<number | undefined>(curves.length).fill(undefined);
      row[column] = value;
      rows.set(step, row);
      if (dots) kept.add(step);
    }
  });
  const every = Math.max(1, Math.ceil(rows.size / limit));
  return [...rows]
    .sort(([a], [b]) => a - b)
    .map(([step, values]) => ({ step, values }))
    .filter(({ step }, i) => i % every === 0 || kept.has(step));
}

/** @file How LoAR routed over a run as a matrix: a row a head, layer by layer, a column an evaluation. Pure. */

import type { Routing } from "../../core/metrics";

export type RoutingKind = "gates" | "lambdas";

/** `values` row by row, NaN where an evaluation has none; `heads` a layer. */
export type RoutingMatrix = {
  values: Float32Array;
  steps: number[];
  layers: number;
  heads: number;
};

export function routingMatrix(routings: readonly Routing[], kind: RoutingKind): RoutingMatrix {
  const steps = routings.map(({ step }) => step);
  const layers = routings[0]?.gates.length ?? 0;
  const heads = routings[0]?.gates[0]?.length ?? 0;
  const values = new Float32Array(layers * heads * steps.length).fill(Number.NaN);
  routings.forEach((routing, column) => {
    routing[kind]?.forEach((row, layer) => {
      row.forEach((value, head) => {
        values[(layer * heads + head) * steps.length + column] = value;
      });
    });
  });
  return { values, steps, layers, heads };
}

export const placeOf = ({ heads }: Pick<RoutingMatrix, "heads">, row: number) => ({
  layer: Math.floor(row / Math.max(1, heads)),
  head: row % Math.max(1, heads),
});

export type HeadValue = { layer: number; head: number; value: number };

/** Mean, highest and lowest of the last evaluation; null before the first. */
export function lastSpread(matrix: RoutingMatrix): { mean: number; highest: HeadValue; lowest: HeadValue } | null {
  const { values, steps, layers, heads } = matrix;
  const last = Array.from({ length: layers * heads }, (_, row) => ({
    ...placeOf(matrix, row),
    value: values[(row + 1) * steps.length - 1] ?? Number.NaN,
  })).filter(({ value }) => Number.isFinite(value));
  const [first] = last;
  if (!first) return null;
  return {
    mean: last.reduce((sum, { value }) => sum + value, 0) / last.length,
    highest: last.reduce((a, b) => (b.value > a.value ? b : a), first),
    lowest: last.reduce((a, b) => (b.value < a.value ? b : a), first),
  };
}

/** All of it as columns of a CSV: `gate/2.3` is head 3 of layer 2, counted from 0 as files do. */
export function routingColumns(routings: readonly Routing[]): { id: string; steps: number[]; y: number[] }[] {
  const steps = routings.map(({ step }) => step);
  const columns = (kind: RoutingKind, name: string) =>
    (routings[0]?.[kind] ?? []).flatMap((row, layer) =>
      row.map((_, head) => ({
        id: `${name}/${layer}.${head}`,
        steps,
        y: routings.map((routing) => routing[kind]?.[layer]?.[head] ?? Number.NaN),
      })),
    );
  return [...columns("gates", "gate"), ...columns("lambdas", "lambda")];
}

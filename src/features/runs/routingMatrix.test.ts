import { expect, test } from "vitest";
import type { Routing } from "../../core/metrics";
import { chartCsv } from "../../ui/charts/chartCsv";
import { lastSpread, placeOf, routingColumns, routingMatrix } from "./routingMatrix";

const routings: Routing[] = [
  { step: 0, gates: [[1, 1, 1], [1, 1, 1]], lambdas: [[0, 0, 0], [0, 0, 0]] }, // biome-ignore format: a matrix
  { step: 10, gates: [[1.25, 1, 0.5], [0.75, 1, 1.5]], lambdas: [[0, 0.5, 0], [0, 0, -2]] }, // biome-ignore format: a matrix
];

test("a row a head, layer by layer; a column an evaluation", () => {
  const matrix = routingMatrix(routings, "gates");
  expect(matrix).toMatchObject({ steps: [0, 10], layers: 2, heads: 3 });
  expect([...matrix.values]).toEqual([1, 1.25, 1, 1, 1, 0.5, 1, 0.75, 1, 1, 1, 1.5]);
  expect(placeOf(matrix, 5)).toEqual({ layer: 1, head: 2 });
});

test("the spread is of the last evaluation", () => {
  expect(lastSpread(routingMatrix(routings, "gates"))).toEqual({
    mean: 1,
    highest: { layer: 1, head: 2, value: 1.5 },
    lowest: { layer: 0, head: 2, value: 0.5 },
  });
});

test("modes without λ have gates alone; before the first evaluation there is nothing", () => {
  const gated = routings.map((routing) => ({ ...routing, lambdas: null }));
  expect([...routingMatrix(gated, "lambdas").values].every(Number.isNaN)).toBe(true);
  expect(lastSpread(routingMatrix(gated, "lambdas"))).toBeNull();
  expect(routingColumns(gated).map(({ id }) => id)).not.toContain("lambda/0.0");
  expect(lastSpread(routingMatrix([], "gates"))).toBeNull();
  expect(routingColumns([])).toEqual([]);
});

test("the CSV has both, a column a head", () => {
  const [head, first, second] = chartCsv(routingColumns(routings)).split("\r\n");
  expect(head?.split(",").slice(0, 3)).toEqual(["step", "gate/0.0", "gate/0.1"]);
  expect(head?.split(",").at(-1)).toBe("lambda/1.2");
  expect(first).toBe("0,1,1,1,1,1,1,0,0,0,0,0,0");
  expect(second).toBe("10,1.25,1,0.5,0.75,1,1.5,0,0.5,0,0,0,-2");
});

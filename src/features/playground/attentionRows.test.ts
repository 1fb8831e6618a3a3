import { expect, test } from "vitest";
import { changeOf, firstHead, lowerTriangle, strongestKeys } from "./attentionRows";

const base = [1, 0, 0, 0.5, 0.5, 0, 0.25, 0.25, 0.5];
const tuned = [1, 0, 0, 0.25, 0.75, 0, 0.002, 0.748, 0.25];

test("above the diagonal there is nothing, not a zero", () => {
  const values = lowerTriangle(base, 3);
  expect([...values].map(Number.isNaN)).toEqual([false, true, true, false, false, true, false, false, false]);
  expect(values[8]).toBe(0.5);
});

test("the strongest keys of a row come in order, none from after it, none that round to nothing", () => {
  expect(strongestKeys(base, 3, 2, 2).map(({ key }) => key)).toEqual([2, 0]);
  expect(strongestKeys(tuned, 3, 2, 3).map(({ key }) => key)).toEqual([1, 2]);
  expect(strongestKeys(tuned, 3, 0, 3)).toEqual([{ key: 0, value: 1 }]);
});

test("of a change what fell counts as much as what rose", () => {
  const change = changeOf(base, tuned);
  expect(change[4]).toBe(0.25);
  expect(strongestKeys(change, 3, 2, 3).map(({ key, value }) => [key, Math.sign(value)])).toEqual([
    [1, 1],
    [2, -1],
    [0, -1],
  ]);
});

test("the first head shown is the one that moved most", () => {
  const gates = [
    [1, 1.1],
    [0.7, 1.2],
  ];
  expect(firstHead({ step: 5, gates, lambdas: null }, 2, 1)).toEqual({ layer: 1, head: 0 });
  expect(firstHead({ step: 0, gates: [[1], [1], [1]], lambdas: null }, 3, 1)).toEqual({ layer: 2, head: 0 });
  expect(firstHead(undefined, 6, 1)).toEqual({ layer: 5, head: 0 });
});

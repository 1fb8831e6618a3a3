/** @file What charts know of their curves. */

import { expect, test } from "vitest";
import { bandPath, type Curve, linePath, nearest, place, range, valueAxis } from "./curve";

const curve = (y: number[], error?: number[]): Curve => ({
  id: "train/loss",
  label: "loss",
  color: "red",
  look: "strong",
  steps: y.map((_, i) => i),
  x: y.map((_, i) => i),
  y,
  ...(error ? { error } : {}),
});

test("the range covers error bars and leaves out what is no number", () => {
  expect(range([curve([1, Number.NaN, 3, Infinity], [0.5, 0, 1, 0])], false)).toEqual({ low: 0.5, high: 4 });
  expect(range([curve([0, -1, 2])], true)).toEqual({ low: 2, high: 2 });
  expect(range([curve([Number.NaN])], false)).toBeNull();
});

test("an axis goes as far as wished, and no further", () => {
  expect(valueAxis([curve([0.4, 0.9], [0.2, 0.2])], 200, { from: 0, atMost: 1 })).toMatchObject({ low: 0, high: 1 });
  expect(valueAxis([curve([0.01])], 200, { from: 0, to: 0.2 })).toMatchObject({ low: 0, high: 0.2 });
  expect(valueAxis([], 200, {})).toMatchObject({ low: 0, high: 1 });
  expect(valueAxis([curve([0, 0.02, 7])], 200, { isLog: true, from: 0 })).toMatchObject({
    low: 0.01,
    high: 10,
    isLog: true,
  });
  expect(valueAxis([curve([-1])], 200, { isLog: true })).toMatchObject({ isLog: false });
});

test("places on both kinds of axis", () => {
  expect(place({ low: 0, high: 10, isLog: false }, 5, 100, 200)).toBe(150);
  expect(place({ low: 1, high: 100, isLog: true }, 10, 100, 0)).toBeCloseTo(50, 9);
});

test("the nearest point that has a value", () => {
  const gappy = curve([1, Number.NaN, Number.NaN, 4]);
  expect(nearest(gappy, 1.2)).toBe(0);
  expect(nearest(gappy, 1.9)).toBe(3);
  expect(nearest(gappy, -5)).toBe(0);
  expect(nearest(gappy, 99)).toBe(3);
  expect(nearest(curve([Number.NaN]), 0)).toBe(-1);
});

test("paths", () => {
  const same = (v: number) => v;
  expect(linePath(curve([1, 2, 3]), same, same, 10)).toBe("M0.0 1.0L1.0 2.0L2.0 3.0");
  expect(bandPath(curve([1, 2], [0.5, 1]), same, same)).toBe("M0.0 1.5L1.0 3.0L1.0 1.0L0.0 0.5Z");
  expect(bandPath(curve([1, 2]), same, same)).toBe("");
});

test("a spread is a band without bars, and a point without one is left out of it", () => {
  const same = (v: number) => v;
  const spread = { ...curve([1, 2, 3]), band: [0.5, Number.NaN, 1] };
  expect(bandPath(spread, same, same)).toBe("M0.0 1.5L2.0 4.0L2.0 2.0L0.0 0.5Z");
  expect(range([spread], false)).toEqual({ low: 0.5, high: 4 });
});

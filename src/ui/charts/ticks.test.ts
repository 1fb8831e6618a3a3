/** @file Ticks are round, cover the data and are few. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { growingEnd, innerTicks, logTicks, niceTicks } from "./ticks";

test("ticks cover any range and are few", () => {
  const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(
      number,
      fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
      fc.integer({ min: 2, max: 8 }),
      (low, span, count) => {
        const high = low + span;
        fc.pre(high - low > Math.abs(low) * 1e-6);
        const ticks = niceTicks(low, high, count);
        expect(ticks[0]).toBeLessThanOrEqual(low + span * 1e-6);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(high - span * 1e-6);
        expect(ticks.length).toBeLessThanOrEqual(2 * count + 1);
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
});

test("familiar axes", () => {
  expect(niceTicks(0, 0.83, 5)).toEqual([0, 0.5, 1]);
  expect(niceTicks(0.31, 2.9, 6)).toEqual([0, 1, 2, 3]);
  expect(niceTicks(0, 0, 5)[0]).toBe(0);
  expect(innerTicks(0, 400, 5)).toEqual([0, 100, 200, 300, 400]);
  expect(innerTicks(0, 50, 4)).toEqual([0, 20, 40]);
  expect(logTicks(0.02, 7)).toEqual([0.01, 0.1, 1, 10]);
  expect(logTicks(0.3, 0.8)).toEqual([0.2, 0.5, 1]);
  expect(logTicks(3, 3)).toEqual([2, 5]);
  expect(logTicks(10, 10)).toEqual([10, 20]);
});

test("logarithmic ticks cover any range above 0", () => {
  const number = fc.double({ min: 1e-9, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(number, number, (a, b) => {
      const ticks = logTicks(Math.min(a, b), Math.max(a, b));
      expect(ticks[0]).toBeLessThanOrEqual(Math.min(a, b) * (1 + 1e-6));
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(Math.max(a, b) * (1 - 1e-6));
      expect(ticks.length).toBeGreaterThanOrEqual(2);
    }),
    { seed: 1, numRuns: 1000 },
  );
});

test("a growing axis doubles", () => {
  expect(growingEnd(3, 400)).toBe(25);
  expect(growingEnd(30, 400)).toBe(50);
  expect(growingEnd(201, 400)).toBe(400);
  expect(growingEnd(500, 400)).toBe(500);
});

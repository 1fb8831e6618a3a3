/** @file Smoothing keeps what it should: constants, the first value, gaps. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { smooth } from "./smooth";

test("a constant stays itself at every weight, from the first point on", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (c, w) => {
        for (const s of smooth([c, c, c, c], w)) expect(s).toBeCloseTo(c, 4);
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
});

test("weight 0 is the curve itself, and the average is what the definition gives", () => {
  expect([...smooth([3, 1, 2], 0)]).toEqual([3, 1, 2]);
  const [a, b] = smooth([4, 8], 0.5);
  expect(a).toBe(4);
  expect(b).toBeCloseTo((0.5 * (0.5 * 4) + 0.5 * 8) / 0.75, 12);
});

test("a gap stays a gap and does not poison what follows", () => {
  const out = smooth([1, Number.NaN, 1], 0.9);
  expect(out[1]).toBeNaN();
  expect(out[2]).toBeCloseTo(1, 12);
});

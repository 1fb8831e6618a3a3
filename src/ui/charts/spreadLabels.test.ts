/** @file Labels do not cover each other. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { spreadLabels } from "./spreadLabels";

test("labels with room keep their distance and stay inside", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -50, max: 250, noNaN: true }), { minLength: 1, maxLength: 8 }), (wanted) => {
      const places = spreadLabels(wanted, 12, 0, 200).toSorted((a, b) => a - b);
      places.forEach((place, i) => {
        expect(place).toBeGreaterThanOrEqual(-1e-9);
        expect(place).toBeLessThanOrEqual(200 + 1e-9);
        if (i > 0) expect(place - (places[i - 1] ?? 0)).toBeGreaterThanOrEqual(12 - 1e-9);
      });
    }),
    { seed: 1, numRuns: 1000 },
  );
});

test("labels far apart stay where they are", () => {
  expect(spreadLabels([100, 20, 60], 12, 0, 200)).toEqual([100, 20, 60]);
});

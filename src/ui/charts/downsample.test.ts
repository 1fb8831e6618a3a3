/** @file Downsampling keeps ends, peaks and order, within its count. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { downsample } from "./downsample";

test("never more than asked, ascending, with both ends, and the identity where there are few", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1, maxLength: 500 }),
      fc.integer({ min: 3, max: 200 }),
      (ys, count) => {
        const kept = downsample(
          ys.map((_, i) => i),
          ys,
          count,
        );
        expect(kept.length).toBe(Math.min(count, ys.length));
        expect(kept[0]).toBe(0);
        expect(kept.at(-1)).toBe(ys.length - 1);
        for (let i = 1; i < kept.length; i++) expect(kept[i]).toBeGreaterThan(kept[i - 1] ?? Infinity);
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
});

test("a lone spike among ten thousand points survives", () => {
  const ys = Array.from({ length: 10_000 }, (_, i) => Math.sin(i / 500));
  ys[7321] = 40;
  expect(
    downsample(
      ys.map((_, i) => i),
      ys,
      200,
    ),
  ).toContain(7321);
});

test("points that are not numbers are left out", () => {
  const ys = [1, Number.NaN, 2, Infinity, 3];
  expect([...downsample([0, 1, 2, 3, 4], ys, 10)]).toEqual([0, 2, 4]);
});

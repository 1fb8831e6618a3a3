/** @file Half precision: all 65,536 patterns, and rounding to the nearest, ties to even. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHalf, narrowHalf, toHalf, widenBfloat16, widenHalf } from "./float16";

test("every finite half survives the way to f32 and back, bit for bit", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const back = narrowHalf(widenHalf(all));
  const changed = Array.from(all).filter((i) => back[i] !== i && !Number.isNaN(fromHalf(i)));
  expect(changed).toEqual([]);
  expect(Array.from(all).filter((i) => Number.isNaN(fromHalf(i)) !== Number.isNaN(fromHalf(back[i] ?? 0)))).toEqual([]);
});

test("a value goes to the nearest half, a tie to the even one", () => {
  fc.assert(
    fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (x) => {
      const half = toHalf(x);
      const error = Math.abs(fromHalf(half) - x);
      for (const neighbour of [half - 1, half + 1]) {
        const other = fromHalf(neighbour & 0xffff);
        if (!Number.isFinite(other) || Object.is(Math.sign(other), -Math.sign(x))) continue;
        expect(error).toBeLessThanOrEqual(Math.abs(other - x));
        if (error === Math.abs(other - x) && error > 0) expect(half & 1).toBe(0);
      }
    }),
    { seed: 1, numRuns: 5000 },
  );
});

test.each([
  [65504, 0x7bff],
  [65519.996, 0x7bff],
  [65520, 0x7c00],
  [-1e30, 0xfc00],
  [Number.POSITIVE_INFINITY, 0x7c00],
  [5.960464477539063e-8, 1],
  [2.98023223876953125e-8, 0],
  [2.9802326e-8, 1],
  [-0, 0x8000],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
])("%f is 0x%s", (value, bits) => {
  expect(toHalf(value)).toBe(bits);
});

test("bfloat16 is the upper half of a single", () => {
  expect(Array.from(widenBfloat16(Uint16Array.of(0x3f80, 0xc040, 0x7f80)))).toEqual([1, -3, Number.POSITIVE_INFINITY]);
});

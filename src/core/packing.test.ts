/** @file Packed numbers stay within their block's rounding; NF4 is bitsandbytes' own (interop/nf4Golden.py). */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHalf } from "./float16";
import golden from "./golden/nf4.json";
import { normalFloat4, packWeight, unpackWeight, type WeightFormat, weightFormats, wordsOf } from "./packing";
import { newRandom } from "./random";

const singles = (hexes: string) =>
  new Float32Array(Uint32Array.from(hexes.match(/.{8}/g) ?? [], (each) => Number.parseInt(each, 16)).buffer);

/** The codes of an nf4 block in the order of its numbers. */
const codesOf = (words: Int32Array) =>
  Array.from({ length: 32 }, (_, j) => ((words[1 + ((j & 15) >> 2)] ?? 0) >>> (8 * (j & 3) + 4 * (j >> 4))) & 15);

const side = 256;

/** ‖w − packed w‖ / ‖w‖ of a matrix. */
function errorOf(values: Float32Array, packed: Float32Array): number {
  let [difference, size] = [0, 0];
  for (const [i, value] of values.entries()) {
    difference += (value - (packed[i] ?? Number.NaN)) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(difference / size);
}

/** Fifteen equal steps between plus and minus the largest magnitude of each 32: what NF4's levels stand against. */
function inEqualSteps(values: Float32Array): Float32Array {
  return values.map((value, i) => {
    const from = i - (i % 32);
    const step = Math.max(...values.subarray(from, from + 32).map(Math.abs)) / 7;
    return step * Math.round(value / step);
  });
}

describe("nf4 as bitsandbytes has it", () => {
  test("the levels", () => {
    expect(Float32Array.from(normalFloat4)).toEqual(singles(golden.levels));
  });

  test.each(golden.blocks)("$name", ({ numbers, codes, read }) => {
    const words = packWeight(singles(numbers), [1, 32], "nf4");
    expect(
      codesOf(words)
        .map((code) => code.toString(16))
        .join(""),
    ).toBe(codes);
    expect((words[0] ?? 0) >>> 16).toBe(0);
    expect(unpackWeight(words, 32, "nf4")).toEqual(singles(read));
  });
});

test("nf4 rounds to the nearest level there is, of two as near to the lower", () => {
  const number = fc.float({ min: -8, max: 8, noNaN: true });
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 70 }), (row) => {
      const values = Float32Array.from(row);
      const words = packWeight(values, [1, row.length], "nf4");
      const packed = unpackWeight(words, row.length, "nf4");
      for (let from = 0; from < row.length; from += 32) {
        const block = values.subarray(from, from + 32);
        expect((words[(from / 32) * 5] ?? 0) & 0xffff).toBe(toHalf(Math.max(...block.map(Math.abs))));
        const scale = unpackWeight(Int32Array.of(words[(from / 32) * 5] ?? 0, -1, -1, -1, -1), 1, "nf4")[0] ?? 0;
        for (const [j, value] of block.entries()) {
          const nearest = Math.min(...normalFloat4.map((level) => Math.abs(value - scale * level)));
          expect(Math.abs(value - (packed[from + j] ?? Number.NaN))).toBeLessThanOrEqual(nearest + 1e-6 * scale);
        }
      }
    }),
  );
  const middle = ((normalFloat4[8] ?? 0) + (normalFloat4[7] ?? 0)) / 2;
  expect(codesOf(packWeight(Float32Array.of(1, middle, -middle), [1, 3], "nf4")).slice(0, 3)).toEqual([15, 7, 7]);
  expect(unpackWeight(packWeight(Float32Array.of(1, middle + 1e-6), [1, 2], "nf4"), 2, "nf4")[1]).toBeGreaterThan(0);
});

test("on normal weights nf4 errs less than equal steps of as many codes, but more than q4 with its own least number", () => {
  const random = newRandom(7);
  const values = Float32Array.from({ length: side * side }, () => 0.02 * random.normal());
  const as = (format: WeightFormat) =>
    errorOf(values, unpackWeight(packWeight(values, [side, side], format), side, format));
  const nf4 = as("nf4");
  // The formulas in double precision, over two million numbers: 0.0873, 0.0970 and 0.0782.
  expect(nf4).toBeCloseTo(0.0873, 3);
  expect(errorOf(values, inEqualSteps(values))).toBeGreaterThan(1.08 * nf4);
  expect(as("q4")).toBeCloseTo(0.0782, 3);
  expect(as("int8")).toBeLessThan(0.1 * nf4);
  expect(wordsOf("nf4", side)).toBe(wordsOf("q4", side));
});

test("what is not a number, or too large for a half, spoils its own block in the open and no other", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 70_000]) {
    const values = new Float32Array(96).fill(0.5);
    values[40] = bad;
    const packed = unpackWeight(packWeight(values, [1, 96], "nf4"), 96, "nf4");
    expect(Number.isFinite(packed[40])).toBe(false);
    expect([...packed.subarray(0, 32), ...packed.subarray(64)].every((value) => value === 0.5)).toBe(true);
  }
});

describe.each(weightFormats)("%s", (format) => {
  test("rows of any width, none but the last block padded, each apart from the next", () => {
    for (const width of [1, 2, 15, 16, 17, 31, 32, 33, 100]) {
      const random = newRandom(width);
      const values = Float32Array.from({ length: 3 * width }, () => random.normal());
      const words = packWeight(values, [3, width], format);
      expect(words.length).toBe(3 * wordsOf(format, width));
      const all = unpackWeight(words, width, format);
      for (let row = 0; row < 3; row++) {
        const alone = values.subarray(row * width, (row + 1) * width);
        const packed = unpackWeight(packWeight(alone, [1, width], format), width, format);
        expect(all.subarray(row * width, (row + 1) * width)).toEqual(packed);
      }
    }
  });
});

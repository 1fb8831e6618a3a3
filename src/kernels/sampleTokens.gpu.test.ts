/** @file Sampling on the graphics card against the exact sampler: real draws and their ends, ties, and no chance. */

import { beforeAll, describe, expect, it } from "vitest";
import { newRandom, type Random } from "../core/random";
import { deviceMemory, openDevice } from "./device";
import { type Filters, largestDraw, sampleRow } from "./sampleRow";
import { sampleTokens, stepAhead } from "./sampleTokens";
import { tf } from "./tf";

const free: Filters = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const filters: Filters[] = [
  { ...free, temperature: 0 },
  free,
  { ...free, temperature: 0.6 },
  { ...free, topK: 1 },
  { ...free, topK: 20 },
  { ...free, topP: 0.5 },
  { ...free, topP: 0.99 },
  { ...free, topP: 0 },
  { ...free, minP: 0.05 },
  { ...free, minP: 1 },
  { temperature: 1.4, topK: 12, topP: 0.9, minP: 0.02 },
];

/** Rows of logits that try the borders: equal ones, few different ones, both zeros, and none that is finite. */
const rows: [name: string, V: number, logit: (random: Random, i: number) => number][] = [
  ["normal", 1000, (random) => 3 * random.normal()],
  ["all alike", 70, () => 1],
  ["few values", 300, (random) => random.below(4)],
  ["whole numbers on either side of zero", 5000, (random) => random.below(15) - 9],
  ["both zeros", 64, (_, i) => (i % 2 === 0 ? -0 : 0)],
  ["some without a chance", 129, (random) => (random.next() < 0.7 ? -Infinity : random.normal())],
  ["one with a chance", 90, (_, i) => (i === 61 ? -4 : -Infinity)],
  ["no finite one", 40, () => -Infinity],
  ["far apart", 200, (random) => 60 * random.normal()],
];

describe("SampleTokens on webgpu", () => {
  let failure: Error | undefined;
  beforeAll(async () => {
    const device = await openDevice("webgpu");
    void device.lost.then((error) => {
      failure = error;
    });
  });

  it.each(rows)("takes the exact sampler's tokens: %s", async (_, V, logit) => {
    const before = deviceMemory().tensors;
    const random = newRandom(5);
    const draws = Float32Array.from([
      0,
      largestDraw,
      0.5,
      ...Array.from({ length: V > 900 ? 5 : 21 }, () => random.next() * 0.999),
    ]);
    const values = Float32Array.from({ length: draws.length * V }, (_, i) => logit(random, i % V));
    const logits = tf.tensor2d(values, [draws.length, V]);
    const drawn = tf.tensor1d(draws);
    for (const each of filters) {
      const tokens = sampleTokens(logits, drawn, each);
      expect(tokens.dtype).toBe("int32");
      const exact = (b: number, draw: number) => sampleRow(values.subarray(b * V, (b + 1) * V), each, draw);
      const [first, last, ...others] = Array.from(await tokens.data());
      const [, , ...otherDraws] = draws;
      expect([first, ...others], JSON.stringify(each)).toEqual([
        exact(0, 0),
        ...otherDraws.map((draw, i) => exact(i + 2, draw)),
      ]);
      // The last draw of all is so near to 1 that rounding decides among the last few tokens.
      expect(last, JSON.stringify(each)).toBeGreaterThanOrEqual(exact(1, largestDraw - 2e-6));
      expect(last, JSON.stringify(each)).toBeLessThan(V);
      tokens.dispose();
    }
    tf.dispose([logits, drawn]);
    expect(deviceMemory().tensors).toBe(before);
    expect(failure).toBeUndefined();
  });

  it("draws what core/random draws, for seeds of all 32 bits", async () => {
    const seeds = Int32Array.from([0, 1, -1, -(2 ** 31), 2 ** 31 - 1]);
    const starts = tf.tensor1d([7, 0, 1, 2, 3], "int32");
    const given = tf.tensor1d(seeds, "int32");
    const randoms = Array.from(seeds, (seed) => newRandom(seed));
    for (let step = 0; step < 4; step++) {
      const { positions, draws } = stepAhead(starts, given, step);
      const want = randoms.map(({ next }) => Math.floor(next() * 2 ** 24) / 2 ** 24);
      expect(Array.from(await draws.data())).toEqual(want);
      expect(Array.from(await positions.data())).toEqual([7, 0, 1, 2, 3].map((start) => start + step));
      tf.dispose([positions, draws]);
    }
    tf.dispose([starts, given]);
  });
});

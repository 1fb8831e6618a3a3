/** @file Splits share no row, and shuffled answers leave none in place. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { shuffleAnswers, splitRows } from "./split";

test("every row is in exactly one part, in order, the same for the same seed", () => {
  const share = fc.double({ min: 0, max: 0.5, noNaN: true });
  fc.assert(
    fc.property(fc.nat({ max: 500 }), share, fc.nat(), (count, part, seed) => {
      const { train, evaluation } = splitRows(count, part, seed);
      const all = [...train, ...evaluation].sort((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: count }, (_, i) => i));
      expect([...train]).toEqual([...train].sort((a, b) => a - b));
      expect([...evaluation]).toEqual([...evaluation].sort((a, b) => a - b));
      if (part === 0) expect(evaluation).toHaveLength(0);
      else if (count > 1) {
        expect(evaluation.length).toBeGreaterThan(0);
        expect(Math.abs(evaluation.length - count * part)).toBeLessThanOrEqual(1);
      }
      if (count > 0) expect(train.length).toBeGreaterThan(0);
      expect(splitRows(count, part, seed)).toEqual({ train, evaluation });
    }),
    { seed: 9, numRuns: 300 },
  );
  expect(splitRows(1000, 0.1, 1).evaluation).not.toEqual(splitRows(1000, 0.1, 2).evaluation);
});

test("shuffled answers are all there and none with its own question", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 200 }), fc.nat(), (count, seed) => {
      const examples = Array.from({ length: count }, (_, i) => ({ prompt: `q${i}`, completion: `a${i}` }));
      const shuffled = shuffleAnswers(examples, seed);
      expect(shuffled.map(({ prompt }) => prompt)).toEqual(examples.map(({ prompt }) => prompt));
      expect(shuffled.map(({ completion }) => completion).sort()).toEqual(
        examples.map(({ completion }) => completion).sort(),
      );
      expect(shuffled.filter(({ completion }, i) => completion === `a${i}`)).toEqual([]);
      expect(shuffleAnswers(examples, seed)).toEqual(shuffled);
    }),
    { seed: 10, numRuns: 200 },
  );
  const marked = ["p", "q"].map((prompt) => ({ prompt, completion: prompt, spans: [[0, 1] as [number, number]] }));
  expect(shuffleAnswers(marked, 1).map(({ spans }) => spans)).toEqual([[[0, 1]], [[0, 1]]]);
  expect(() => shuffleAnswers([{ prompt: "q", completion: "a" }], 1)).toThrow(/at least two/);
});

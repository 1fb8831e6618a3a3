/** @file The sampler: the probabilities it follows, what its filters keep, ties, and the ends of the draw. */

import { describe, expect, it } from "vitest";
import { newRandom } from "../core/random";
import { type Filters, sampleRow } from "./sampleRow";

const free: Filters = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const row = Float32Array.from([0, 3, 1, 2]);

function counts(filters: Partial<Filters>, logits = row, draws = 8000): number[] {
  const random = newRandom(1);
  const seen = Array.from(logits, () => 0);
  for (let i = 0; i < draws; i++) seen[sampleRow(logits, { ...free, ...filters }, random.next())]!++;
  return seen;
}

/** Pearson's statistic of counts against exp(logits) over those kept; tokens never to be drawn must have none. */
function chiSquare(seen: number[], logits: number[], kept: number[]): number {
  const draws = seen.reduce((a, b) => a + b, 0);
  const all = kept.reduce((sum, id) => sum + Math.exp(logits[id]!), 0);
  return seen.reduce((sum, count, id) => {
    if (!kept.includes(id)) return count === 0 ? sum : Infinity;
    const expected = (draws * Math.exp(logits[id]!)) / all;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

describe("sampleRow", () => {
  // 16.3 is exceeded once in a thousand seeds with three degrees of freedom, and more rarely with fewer.
  it.each([
    [{}, [0, 3, 1, 2], [0, 1, 2, 3]],
    [{ temperature: 0.5 }, [0, 6, 2, 4], [0, 1, 2, 3]],
    [{ topK: 2 }, [0, 3, 1, 2], [1, 3]],
    [{ topK: 9 }, [0, 3, 1, 2], [0, 1, 2, 3]],
    // The first has 0.644, the second 0.237, the third 0.087.
    [{ topP: 0.6 }, [0, 3, 1, 2], [1]],
    [{ topP: 0.7 }, [0, 3, 1, 2], [1, 3]],
    [{ topP: 0.9 }, [0, 3, 1, 2], [1, 2, 3]],
    [{ topP: 0 }, [0, 3, 1, 2], [1]],
    // exp(−1) is 0.368 and exp(−2) is 0.135 of the first.
    [{ minP: 0.1 }, [0, 3, 1, 2], [1, 2, 3]],
    [{ minP: 0.2 }, [0, 3, 1, 2], [1, 3]],
    [{ minP: 1 }, [0, 3, 1, 2], [1]],
    [{ temperature: 2, minP: 0.3 }, [0, 1.5, 0.5, 1], [1, 2, 3]],
    // Of the top three, the first has 0.665 and the second 0.245.
    [{ topK: 3, topP: 0.7, minP: 0.4 }, [0, 3, 1, 2], [1]],
    [{ topK: 3, topP: 0.95, minP: 0.2 }, [0, 3, 1, 2], [1, 3]],
  ] satisfies [Partial<Filters>, number[], number[]][])("%j follows the probabilities of what it keeps", (...each) => {
    const [filters, logits, kept] = each;
    expect(chiSquare(counts(filters), logits, kept)).toBeLessThan(16.3);
  });

  it("keeps the lowest ids among equals", () => {
    const alike = Float32Array.from({ length: 10 }, () => 1.5);
    const keeps = (filters: Partial<Filters>) => counts(filters, alike).findLastIndex((count) => count > 0);
    expect(sampleRow(alike, { ...free, temperature: 0 }, 0.9)).toBe(0);
    expect(keeps({ topK: 4 })).toBe(3);
    expect(keeps({ topP: 0.3 })).toBe(2);
    expect(keeps({ topK: 5, topP: 0.5 })).toBe(2);
    expect(keeps({ minP: 1 })).toBe(9);
    const mixed = Float32Array.from([1, 2, 1, 2, 1]);
    expect(counts({ topK: 3 }, mixed).map((count) => count > 0)).toEqual([true, true, false, true, false]);
  });

  it("goes through the ids in their order, from the draw 0 to the last below 1, and never to what has no chance", () => {
    const logits = Float32Array.from([-Infinity, 0, 0, -200, 0, -Infinity]);
    const at = (draw: number, filters: Partial<Filters> = {}) => sampleRow(logits, { ...free, ...filters }, draw);
    expect([0, 0.3, 0.34, 0.66, 0.67, 0.99999994].map((draw) => at(draw))).toEqual([1, 1, 2, 2, 4, 4]);
    expect([-1, 1, 7].map((draw) => at(draw))).toEqual([1, 4, 4]);
    expect([0, 0.49, 0.51, 0.99999994].map((draw) => at(draw, { topK: 2 }))).toEqual([1, 1, 2, 2]);
    expect(sampleRow(Float32Array.from([-Infinity, -Infinity]), free, 0.5)).toBe(0);
    expect(sampleRow(Float32Array.from([5]), free, 0.5)).toBe(0);
  });
});

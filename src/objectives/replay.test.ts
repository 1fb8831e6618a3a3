/** @file The replay buffer draws by priority, corrects for it, forgets the oldest and goes on from a checkpoint. */

import { describe, expect, test } from "vitest";
import { draw, newReplay, withItems, withSurprises } from "./replay";

const filled = (priorities: number[], alpha = 1) =>
  withSurprises(
    withItems(
      newReplay<string>(100, alpha),
      priorities.map((priority) => `p${priority}`),
    ),
    new Map(priorities.map((priority, id) => [id, priority])),
  );

describe("drawing", () => {
  test.each([0, 0.6, 1])("is by priority^%d", (alpha) => {
    const priorities = [1, 2, 3, 10];
    const counts = new Float64Array(4);
    for (let seed = 0; seed < 4000; seed++) {
      for (const { id } of draw(filled(priorities, alpha), 2, 1, seed)) counts[id]! += 1 / 8000;
    }
    const total = priorities.reduce((sum, priority) => sum + priority ** alpha, 0);
    for (const [id, share] of counts.entries()) expect(share).toBeCloseTo(priorities[id]! ** alpha / total, 1.5);
  });

  test("weighs what is drawn more often the less: (N·P)^−β over the largest", () => {
    for (const { item, weight } of draw(filled([1, 2, 4]), 30, 0.5, 7)) {
      expect(weight).toBeCloseTo({ p1: 1, p2: Math.SQRT1_2, p4: 0.5 }[item]!, 6);
    }
    expect(draw(filled([1, 2, 4]), 30, 0, 7).every(({ weight }) => weight === 1)).toBe(true);
  });

  test("is the same for the same seed, another for another, and goes on from its JSON", () => {
    const replay = filled([1, 2, 3, 4, 5]);
    const again = JSON.parse(JSON.stringify(replay)) as typeof replay;
    const ids = (seed: number, from = replay) => draw(from, 8, 0.4, seed).map(({ id }) => id);
    expect(ids(1, again)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });

  test("takes one of each equal part, so that a batch is spread", () => {
    expect(draw(filled([1, 1, 1, 1]), 4, 1, 3).map(({ id }) => id)).toEqual([0, 1, 2, 3]);
  });

  test("of nothing is nothing, and what never surprises is drawn all the same", () => {
    expect(draw(newReplay(5), 3, 1, 1)).toEqual([]);
    expect(draw(filled([0, 0]), 2, 1, 1).map(({ id, weight }) => [id, weight])).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect(draw(filled([1]), 0, 1, 1)).toEqual([]);
  });
});

describe("keeping", () => {
  test("new items have the largest priority, and the oldest leave", () => {
    const replay = withItems(withSurprises(withItems(newReplay<string>(3), ["a", "b"]), new Map([[1, 7]])), ["c", "d"]);
    expect(replay.entries.map(({ item }) => item)).toEqual(["b", "c", "d"]);
    expect(new Set(replay.entries.map(({ priority }) => priority))).toEqual(new Set([7 + 1e-6]));
    expect(replay.entries.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(withItems(replay, ["e", "f", "g", "h"]).entries.map(({ item }) => item)).toEqual(["f", "g", "h"]);
  });

  test("surprises of what has left are passed over; others must be numbers from 0 on", () => {
    const replay = withItems(newReplay<string>(1), ["a", "b"]);
    expect(withSurprises(replay, new Map([[0, 3]]))).toEqual(replay);
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => withSurprises(replay, new Map([[1, wrong]]))).toThrow(
        expect.objectContaining({
          code: "run.diverged",
          message: `Entry 1 of the replay buffer: its surprise is ${wrong}`,
        }),
      );
    }
  });
});

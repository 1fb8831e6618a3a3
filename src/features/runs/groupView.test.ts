import { expect, test } from "vitest";
import type { Completion, Group } from "../../core/metrics";
import { barScale, byReward, groupSpread, hasChange, teachesNothing, tokenScale } from "./groupView";

const completion = (reward: number, changes: Partial<Completion> = {}): Completion => ({
  tokens: ["a"],
  finished: true,
  rewards: [reward],
  reward,
  advantages: [0],
  change: null,
  ...changes,
});
const group = (...completions: Completion[]): Group => ({ prompt: "p", reference: "r", completions });

test("the best stand first, equals as they came, and what is no number last", () => {
  const order = byReward(group(completion(0), completion(Number.NaN), completion(1), completion(0), completion(2)));
  expect(order.map(({ index }) => index)).toEqual([4, 2, 0, 3, 1]);
});

test("a group's spread is over n − 1, and 0 for one answer", () => {
  expect(groupSpread(group(completion(1), completion(2), completion(3)))).toEqual({ mean: 2, spread: 1 });
  expect(groupSpread(group(...Array.from({ length: 8 }, () => completion(1.7)))).spread).toBe(0);
  expect(groupSpread(group(completion(1)))).toEqual({ mean: 1, spread: 0 });
});

test("a group teaches nothing where all are worth the same and none is pushed", () => {
  expect(teachesNothing(group(completion(1), completion(1)))).toBe(true);
  expect(teachesNothing(group(completion(1), completion(0.5)))).toBe(false);
  expect(teachesNothing(group(completion(1), completion(1, { advantages: [0, 0.1] })))).toBe(false);
  expect(teachesNothing(group())).toBe(false);
});

test("one scale holds all of a step but for its outermost numbers", () => {
  const change = Array.from({ length: 100 }, (_, i) => (i === 0 ? -90 : 0.03));
  const step = {
    step: 1,
    rewardNames: [],
    groups: [group(completion(1, { advantages: [1.4], change })), group(completion(1, { advantages: [-0.2] }))],
  };
  expect(tokenScale(step, "advantage")).toEqual({ kind: "around", middle: 0, extent: 2 });
  expect(tokenScale(step, "change")).toEqual({ kind: "around", middle: 0, extent: 0.05 });
  expect(barScale(step)).toEqual({ kind: "around", middle: 0, extent: 1.4 });
  expect(barScale({ ...step, groups: [] }).kind).toBe("around");
  expect(hasChange(step)).toBe(true);
  expect(tokenScale({ ...step, groups: [] }, "change")).toEqual({ kind: "around", middle: 0, extent: 0.01 });
});

import { expect, test } from "vitest";
import type { Completion } from "../core/metrics";
import { packGroups, parseGroups } from "./packedGroups";

const completion = (changes: Partial<Completion> = {}): Completion => ({
  tokens: ["<<", "1+1", "=2>>", "🙂", ""],
  finished: false,
  rewards: [1, null, -0.25],
  reward: 0.75,
  advantages: [1, 2, 3, 4, 5],
  change: null,
  ...changes,
});
const step = (completions: Completion[]) => ({
  step: 7,
  rewardNames: ["a", "b", "c"],
  groups: [{ prompt: "p", reference: "r", completions }],
});

test("what is packed comes back, also through JSON", () => {
  const whole = step([
    completion(),
    completion({ finished: true, change: [0, 1, 2, 3, 4] }),
    completion({ tokens: [] }),
  ]);
  expect(parseGroups(7, packGroups(whole))).toEqual(whole);
  expect(parseGroups(7, JSON.parse(JSON.stringify(packGroups(whole))))).toEqual(whole);
});

test("numbers that are none stay none, and the others keep four digits", () => {
  const odd = completion({ reward: Number.NaN, rewards: [Infinity, null, 1 / 3], advantages: [1234.56] });
  const [back] = parseGroups(7, packGroups(step([odd]))).groups[0]?.completions ?? [];
  expect(back?.reward).toBeNaN();
  expect(back?.rewards).toEqual([null, null, 0.3333]);
  expect(back?.advantages).toEqual([1235]);
});

test("64 completions of 96 tokens with changes are kept in less than 120 kB", () => {
  const tokens = Array.from({ length: 96 }, (_, i) => ` t${i}`);
  const change = tokens.map((_, i) => Math.sin(i) / 3);
  const one = completion({ tokens, change, advantages: [0.1] });
  expect(JSON.stringify(packGroups(step(new Array<Completion>(64).fill(one)))).length).toBeLessThan(120_000);
});

const packed = packGroups(step([completion()])) as unknown as { groups: [[string, string, unknown[][]]] };
const withPart = (at: number, part: unknown) => {
  const copy = structuredClone(packed);
  const [one] = copy.groups[0][2];
  if (one) one[at] = part;
  return copy;
};

test.each([
  ["null", null],
  ["no names", { groups: [] }],
  ["a group that is a text", { names: [], groups: ["x"] }],
  ["a completion that is a number", { names: [], groups: [["p", "r", [3]]] }],
  ["a text that is none", withPart(0, 5)],
  ["lengths beyond the text", withPart(1, [1, 1000])],
  ["lengths short of the text", withPart(1, [1])],
  ["a length that is no number", withPart(1, ["1"])],
  ["rewards that are none", withPart(3, "1")],
  ["advantages that are texts", withPart(5, ["0.5"])],
])("%s is refused", (_, bad) => {
  expect(() => parseGroups(7, bad)).toThrow(expect.objectContaining({ code: "storage.failed" }) as Error);
});

/** @file Step weights make the weighted sum of losses the formula's L, over micro-batches of any cut. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { countParts, stepWeights } from "./stepWeights";

const tokens = fc.array(
  fc.record({ part: fc.constantFrom(0, 1, 2), loss: fc.double({ min: 0, max: 10, noNaN: true }) }),
  {
    maxLength: 40,
  },
);
const mean = (losses: number[]) => losses.reduce((a, b) => a + b, 0) / losses.length;

test("Σ weight · loss is w · L_steps + (1 − w) · L_final", () => {
  fc.assert(
    fc.property(tokens, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 40 }), (all, w, cut) => {
      const window = countParts(Uint8Array.from(all, ({ part }) => part));
      const parts = [all.slice(0, cut), all.slice(cut)];
      const sum = parts
        .flatMap((some) => [
          ...stepWeights(
            Uint8Array.from(some, ({ part }) => part),
            window,
            w,
          ),
        ])
        .reduce((total, weight, i) => total + weight * all[i]!.loss, 0);
      const [steps, final] = [1, 2].map((part) => all.filter((each) => each.part === part).map(({ loss }) => loss));
      const expected =
        steps!.length > 0 && final!.length > 0
          ? w * mean(steps!) + (1 - w) * mean(final!)
          : steps!.length > 0 && w > 0
            ? mean(steps!)
            : final!.length > 0 && w < 1
              ? mean(final!)
              : 0;
      expect(sum).toBeCloseTo(expected, 4);
    }),
  );
});

test("a part that is not there leaves its share to the other, a share of 0 stays 0, and untrained tokens count nothing", () => {
  expect([...stepWeights(Uint8Array.of(0, 1, 1), { steps: 4, final: 0 }, 0.5)]).toEqual([0, 0.25, 0.25]);
  expect([...stepWeights(Uint8Array.of(0, 2), { steps: 0, final: 1 }, 0.25)]).toEqual([0, 1]);
  expect([...stepWeights(Uint8Array.of(1, 1), { steps: 2, final: 0 }, 0)]).toEqual([0, 0]);
  expect([...stepWeights(Uint8Array.of(0, 0), { steps: 0, final: 0 }, 0.5)]).toEqual([0, 0]);
  expect([...stepWeights(Uint8Array.of(1, 2), { steps: 1, final: 1 }, 0.75)]).toEqual([0.75, 0.25]);
});

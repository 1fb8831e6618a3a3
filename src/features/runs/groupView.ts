/** @file What a group's card says: its order, its spread, and how strongly numbers are coloured. Pure. */

import type { Completion, Group, GroupStep } from "../../core/metrics";
import { extentOf, type Scale } from "../../ui/charts/scale";

export type TokenColour = "advantage" | "change";

/** The best first; of equals the earlier one. `index` is the place in the group as it is stored. */
export function byReward({ completions }: Group): { completion: Completion; index: number }[] {
  const worth = ({ reward }: Completion) => (Number.isFinite(reward) ? reward : -Infinity);
  return completions
    .map((completion, index) => ({ completion, index }))
    .sort((a, b) => worth(b.completion) - worth(a.completion) || a.index - b.index);
}

export const meanOf = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean and standard deviation of the rewards, as the group's advantages take them: over n − 1. */
export function groupSpread({ completions }: Group): { mean: number; spread: number } {
  const rewards = completions.map(({ reward }) => reward);
  const mean = meanOf(rewards);
  const isSame = rewards.every((reward) => reward === rewards[0]); // what rounding leaves is no spread
  const squares = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0);
  return { mean, spread: isSame ? 0 : Math.sqrt(squares / (rewards.length - 1)) };
}

/** All answers are worth the same and no token of any is pushed. */
export function teachesNothing({ completions }: Group): boolean {
  const [first] = completions;
  if (!first) return false;
  return completions.every(
    ({ reward, advantages }) =>
      Object.is(reward, first.reward) && advantages.every((advantage) => !(Math.abs(advantage) > 0)),
  );
}

/** The number that all but the outermost of them stay below: a single odd token must not bleach the rest. */
function mostOf(values: number[]): number[] {
  const sizes = values
    .map(Math.abs)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const size = sizes[Math.min(sizes.length - 1, Math.floor(0.98 * sizes.length))];
  return size === undefined ? [] : [size];
}

/** One scale for all of a step's groups. */
export function tokenScale({ groups }: GroupStep, colour: TokenColour): Scale {
  const completions = groups.flatMap((group) => group.completions);
  const values = completions.flatMap((one) => (colour === "advantage" ? one.advantages : (one.change ?? [])));
  return { kind: "around", middle: 0, extent: extentOf(mostOf(values), 0, 0.01) };
}

/** Of the bars: that of the answer that is pushed most reaches the end. */
export function barScale({ groups }: GroupStep): Scale {
  const pushed = groups.flatMap(({ completions }) => completions.map(({ advantages }) => Math.abs(meanOf(advantages))));
  return { kind: "around", middle: 0, extent: Math.max(1e-6, ...pushed.filter(Number.isFinite)) };
}

export const hasChange = ({ groups }: GroupStep): boolean =>
  groups.some(({ completions }) => completions.some(({ change }) => change !== null));

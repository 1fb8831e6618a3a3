/** @file The groups of a step as they are kept: texts whole, tokens as their lengths, numbers in four digits. Pure. */

import { StudioError } from "../core/errors";
import type { Completion, Group, GroupStep } from "../core/metrics";
import { say } from "../core/say";

/** Null stands for what is no number, as in JSON. */
type Kept = number | null;

/** [text, tokens' lengths in UTF-16 units, finished, rewards, reward, advantages, change] */
type PackedCompletion = [string, number[], 0 | 1, Kept[], Kept, Kept[], Kept[] | null];
type PackedGroup = [prompt: string, reference: string, completions: PackedCompletion[]];

/** Plain JSON: about 9 bytes a token and 9 more where its change is known. */
export type PackedGroups = { names: string[]; groups: PackedGroup[] };

/** Four significant digits are more than a colour, a bar or a label shows. */
const kept = (value: number | null): Kept =>
  value !== null && Number.isFinite(value) ? Number(value.toPrecision(4)) : null;

const packCompletion = (completion: Completion): PackedCompletion => [
  completion.tokens.join(""),
  completion.tokens.map((token) => token.length),
  completion.finished ? 1 : 0,
  completion.rewards.map(kept),
  kept(completion.reward),
  completion.advantages.map(kept),
  completion.change?.map(kept) ?? null,
];

export const packGroups = ({ rewardNames, groups }: GroupStep): PackedGroups => ({
  names: rewardNames,
  groups: groups.map(({ prompt, reference, completions }) => [prompt, reference, completions.map(packCompletion)]),
});

const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isKept = (value: unknown): value is Kept => value === null || typeof value === "number";
const numbers = (values: Kept[]): number[] => values.map((value) => value ?? Number.NaN);

function isPackedCompletion(value: unknown): value is PackedCompletion {
  if (!isList(value)) return false;
  const [text, lengths, , rewards, reward, advantages, change] = value;
  const lists = [lengths, rewards, advantages, change ?? []];
  if (typeof text !== "string" || !isKept(reward) || !lists.every((list) => isList(list) && list.every(isKept)))
    return false;
  return (lengths as Kept[]).reduce<number>((sum, length) => sum + (length ?? Number.NaN), 0) === text.length;
}

function parseCompletion(value: unknown): Completion {
  if (!isPackedCompletion(value)) throw new TypeError("not a completion");
  const [text, lengths, finished, rewards, reward, advantages, change] = value;
  let at = 0;
  return {
    tokens: lengths.map((length) => text.slice(at, (at += length))),
    finished: finished === 1,
    rewards,
    reward: reward ?? Number.NaN,
    advantages: numbers(advantages),
    change: change && numbers(change),
  };
}

function parseGroup(value: unknown): Group {
  if (!isList(value)) throw new TypeError("not a group");
  const [prompt, reference, completions] = value;
  if (typeof prompt !== "string" || typeof reference !== "string" || !isList(completions))
    throw new TypeError("not a group");
  return { prompt, reference, completions: completions.map(parseCompletion) };
}

/** What `packGroups` made, as it was but for its digits. Throws `storage.failed`. */
export function parseGroups(step: number, packed: unknown): GroupStep {
  try {
    const { names, groups } = packed as PackedGroups;
    if (!isList(names) || !names.every((name) => typeof name === "string")) throw new TypeError("no names");
    return { step, rewardNames: names, groups: groups.map(parseGroup) };
  } catch (error) {
    throw new StudioError("storage.failed", say`The answers of step ${step} are unreadable`, { cause: error });
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * A step's completions for other programs, one JSON line each: step, group (from 0), prompt, reference, completion (with
 * the token that ended it), tokens (how many), finished, rewards by name, reward, advantage (where each token has its
 * own, their mean), change (mean nats a token since the run began; null where it was not measured).
 */
export function groupLines({ step, rewardNames, groups }: GroupStep): string {
  const line = (group: number, prompt: string, reference: string, completion: Completion) => {
    const { tokens, finished, rewards, reward, advantages, change } = completion;
    const record = {
      step,
      group,
      prompt,
      reference,
      completion: tokens.join(""),
      tokens: tokens.length,
      finished,
      rewards: Object.fromEntries(rewardNames.map((name, i) => [name, kept(rewards[i] ?? null)])),
      reward: kept(reward),
      advantage: kept(mean(advantages)),
      change: change && kept(mean(change)),
    };
    return `${JSON.stringify(record)}\n`;
  };
  return groups
    .flatMap(({ prompt, reference, completions }, i) =>
      completions.map((completion) => line(i, prompt, reference, completion)),
    )
    .join("");
}

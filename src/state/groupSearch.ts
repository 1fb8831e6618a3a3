/** @file Looking for answers among a run's groups: by text, by reward, by whether they are right or were cut. Pure. */

import type { Completion, Group, GroupStep } from "../core/metrics";
import { isPolicy } from "../core/objective";
import type { Recipe } from "../core/recipe";
import { rewardNames } from "../core/reward";
import { exactMatch } from "../scoring/exactMatch";
import { hasAnswer, scoreGsm8k } from "../scoring/gsm8k";

export type GroupWish = {
  /** In the prompt or the answer, whatever its case; empty for any. */
  text: string;
  /** Of the reward, both ends included; null for no end. */
  low: number | null;
  high: number | null;
  only: "all" | "right" | "wrong" | "clipped";
};

export const anyGroup: GroupWish = { text: "", low: null, high: null, only: "all" };

/** An answer that was found, and where: its group and itself counted from 0 as they are stored. */
export type Found = {
  step: number;
  group: number;
  completion: number;
  prompt: string;
  text: string;
  reward: number;
  finished: boolean;
  isRight: boolean | null;
};

/** Whether its last token is the one that ended it, `</s>` or `<|im_end|>`: learnt from like any other, and no text. */
export const hasEndToken = ({ tokens, finished }: Completion): boolean =>
  finished && /^<[^<>\s]+>$/.test(tokens.at(-1) ?? "");

/** What is rated, and read: without the token that ended it. */
export const textOfCompletion = (completion: Completion): string =>
  (hasEndToken(completion) ? completion.tokens.slice(0, -1) : completion.tokens).join("");

/** Right or not; null where there is nothing to compare with. */
export type Rightness = (names: readonly string[], group: Group, completion: Completion) => boolean | null;

/**
 * As the run itself judges it, where one of its rewards is for the right answer; else by the flexible rule, or word by
 * word where the reference has no number.
 */
export function rightnessOf({ objective }: Recipe): Rightness {
  const rewards = isPolicy(objective) ? objective.rewards : [];
  const judge = rewardNames(rewards)[rewards.findIndex(({ kind }) => kind === "answer")];
  return (names, { reference }, completion) => {
    const judged = judge === undefined ? undefined : completion.rewards[names.indexOf(judge)];
    if (judged !== undefined) return judged === null ? null : judged > 0;
    if (reference === "") return null;
    const text = textOfCompletion(completion);
    return hasAnswer(reference) ? scoreGsm8k(text, reference).flexible : exactMatch(text, reference);
  };
}

/** The answers of a step that are as wished, in their order. */
export function findInGroups(
  wish: GroupWish,
  { step, rewardNames: names, groups }: GroupStep,
  right: Rightness,
): Found[] {
  const wanted = wish.text.trim().toLowerCase();
  return groups.flatMap((group, g) => {
    const inPrompt = group.prompt.toLowerCase().includes(wanted);
    return group.completions.flatMap((completion, c) => {
      const { reward, finished } = completion;
      if (wish.low !== null && !(reward >= wish.low)) return [];
      if (wish.high !== null && !(reward <= wish.high)) return [];
      if (wish.only === "clipped" && finished) return [];
      const text = textOfCompletion(completion);
      if (!inPrompt && !text.toLowerCase().includes(wanted)) return [];
      const isRight = right(names, group, completion);
      if (wish.only === "right" && isRight !== true) return [];
      if (wish.only === "wrong" && isRight !== false) return [];
      return [{ step, group: g, completion: c, prompt: group.prompt, text, reward, finished, isRight }];
    });
  });
}

/** @file Rewards that a text alone decides. Pure; what needs a model or the user's code is in jobs/rewards.ts. */

import type { RatedText, Reward, RewardKind, RewardOf } from "../core/reward";
import { exactMatch } from "./exactMatch";
import { hasAnswer, scoreGsm8k } from "./gsm8k";
import { knownNumbers, numbersIn } from "./numbers";
import { parseSteps, validShare } from "./steps";

/** A reward that needs neither a model nor the jail. */
export type TextReward = Exclude<Reward, { kind: "model" | "own" }>;

export const isTextReward = (reward: Reward): reward is TextReward => reward.kind !== "model" && reward.kind !== "own";

/** Right by the rule; null where there is nothing to compare with. */
function isRight(rule: RewardOf<"answer">["rule"], { completion, reference }: RatedText): boolean | null {
  if (reference === null) return null;
  if (rule === "exact") return exactMatch(completion, reference);
  if (!hasAnswer(reference)) return null;
  return scoreGsm8k(completion, reference)[rule];
}

const count = (text: string, part: string) => text.split(part).length - 1;

/** One `#### 72` and no other mark, and nothing behind it but white space. */
function endsInMark(completion: string): boolean {
  const marks = completion.match(/#{4,}/g) ?? [];
  return marks.length === 1 && /(?:^|[^#])#### -?\d[\d,]*(?:\.\d+)?$/.test(completion.trimEnd().slice(-60));
}

/** A prompt may end in the opening tag, as chat templates of reasoning models do: then it is not written again. */
function hasThought({ prompt, completion }: RatedText): boolean {
  const [open, close] = ["<think>", "</think>"];
  const text = (prompt.trimEnd().endsWith(open) ? open : "") + completion.trimStart();
  if (!text.startsWith(open) || count(text, open) !== 1 || count(text, close) !== 1) return false;
  const end = text.indexOf(close);
  return text.slice(open.length, end).trim() !== "" && text.slice(end + close.length).trim() !== "";
}

/** Share of the steps whose every number is known by then: from the problem, or what an earlier step claims. */
function groundedShare({ prompt, completion }: RatedText): number {
  const known = knownNumbers(prompt);
  const steps = parseSteps(completion);
  const grounded = steps.filter(({ left, claimed }) => {
    const isGrounded = numbersIn(left).every((number) => known.has(number));
    if (Number.isFinite(claimed)) known.add(claimed);
    return isGrounded;
  });
  return steps.length === 0 ? 0 : grounded.length / steps.length;
}

type Scores = { [K in TextReward["kind"]]: (reward: RewardOf<K>, text: RatedText) => number | null };

const scores: Scores = {
  answer: ({ rule }, text) => {
    const right = isRight(rule, text);
    return right === null ? null : Number(right);
  },
  format: ({ form }, text) =>
    Number(text.finished && (form === "answer-mark" ? endsInMark(text.completion) : hasThought(text))),
  steps: (_, { completion }) => validShare(completion) ?? 0,
  consistency: (_, text) => groundedShare(text),
  efficiency: ({ unit, target }, text) => {
    const right = isRight(text.reference !== null && hasAnswer(text.reference) ? "flexible" : "exact", text);
    if (right === null) return null;
    const used = unit === "steps" ? parseSteps(text.completion).length : text.tokens;
    return right ? Math.min(1, Math.max(0, 2 - used / target)) : 0;
  },
  length: ({ target }, { tokens }) => Math.min(1, tokens / target),
  overlong: ({ maxTokens, margin }, { tokens }) => {
    if (tokens > maxTokens) return -1;
    const over = tokens - (maxTokens - margin);
    return over > 0 ? -over / margin : 0;
  },
};

/**
 * What one reward gives a text, before its weight; null where it does not apply, as there is nothing to compare with.
 *
 * answer: 1 or 0. `strict` and `flexible` are GSM8K's two rules, as lm-eval has them (gsm8k.ts); null where the reference
 * has no number. `exact`: the whole text equals the reference but for white space.
 *
 * format: 1 or 0; 0 where the text was cut off. `answer-mark`: exactly one mark, `#### ` and a number, ends the text.
 * `think-tags`: `<think>`, a thought, `</think>`, an answer, both of them there and each tag once, as DeepSeek-R1 was
 * taught (arXiv:2501.12948, 2.2.2) and as TRL's think_format_reward reads it.
 *
 * steps: share of the steps `<<a∘b=c>>` that arithmetic bears out; 0 where none is written.
 *
 * consistency: share of the steps whose numbers all stand in the prompt (digits or words, also as hundredths), are what an
 * earlier step claims, or need no source (numbers.ts); 0 where no step is written. Coherence of successive steps.
 *
 * efficiency: of right answers (flexible, or exact where the reference has no number) 2 − used / target within 0 … 1: 1 up to
 * the target, 0 from twice the target; 0 for wrong ones; null as answer.
 *
 * length: tokens / target, 1 at most.
 *
 * overlong: DAPO's soft over-long punishment (arXiv:2503.14476, equation 13), L_max = maxTokens and L_cache = margin: 0 up
 * to L_max − L_cache, then down to −1 at L_max on a line, −1 beyond.
 */
export function scoreText(reward: TextReward, text: RatedText): number | null {
  const table: Record<Exclude<RewardKind, "model" | "own">, (reward: never, text: RatedText) => number | null> = scores;
  return table[reward.kind](reward as never, text);
}

/** @file What an answer is worth: a list of rewards, each with its weight and settings. */

import * as z from "zod/mini";
import { StudioError } from "./errors";
import { type Said, say } from "./say";

const whole = (minimum: number, maximum: number) => z.int().check(z.gte(minimum), z.lte(maximum));
/** What its value is multiplied by in the sum; below 0 it is a penalty. */
const weight = z.number().check(z.gte(-100), z.lte(100));

/** Longer than anyone writes by hand, and short enough for a link. */
export const longestCode = 20_000;

/** Each one's exact meaning stands at `scoreText` (scoring/rewards.ts). */
const rewardSchemas = {
  /** 1 for the right answer, 0 for a wrong one. */
  answer: z.strictObject({ kind: z.literal("answer"), weight, rule: z.enum(["strict", "flexible", "exact"]) }),
  /** 1 where the answer has this form, else 0. */
  format: z.strictObject({ kind: z.literal("format"), weight, form: z.enum(["answer-mark", "think-tags"]) }),
  /** Share of the written steps `<<48/2=24>>` that are right. */
  steps: z.strictObject({ kind: z.literal("steps"), weight }),
  /** Share of the written steps whose numbers come from the problem or from earlier steps. */
  consistency: z.strictObject({ kind: z.literal("consistency"), weight, by: z.enum(["numbers"]) }),
  /** Of right answers: 1 up to so many steps or tokens, falling to 0 at twice as many. */
  efficiency: z.strictObject({
    kind: z.literal("efficiency"),
    weight,
    unit: z.enum(["steps", "tokens"]),
    target: whole(1, 100_000),
  }),
  /** Longer is better, up to so many tokens: there to show how a reward is gamed. */
  length: z.strictObject({ kind: z.literal("length"), weight, target: whole(1, 100_000) }),
  /** From 0 down to −1 in the last `margin` tokens before `maxTokens` (DAPO, Yu et al. 2025). */
  overlong: z.strictObject({
    kind: z.literal("overlong"),
    weight,
    maxTokens: whole(1, 100_000),
    margin: whole(0, 100_000),
  }),
  /** What a trained reward model says: a run or an adapter, and which of its dimensions; left out, all by their weights. */
  model: z.strictObject({
    kind: z.literal("model"),
    weight,
    model: z.string().check(z.minLength(1), z.maxLength(200)),
    dimension: z.optional(z.string().check(z.minLength(1), z.maxLength(60))),
  }),
  /** The user's own function in JavaScript. It may have come with a link, so it runs in the jail alone. */
  own: z.strictObject({
    kind: z.literal("own"),
    weight,
    /** Its curve is called by it: letters, digits, spaces, `_`, `.` and `-`. */
    name: z.string().check(z.maxLength(40), z.regex(/^[\p{L}\p{N}_][\p{L}\p{N}_ .-]*$/u)),
    code: z.string().check(z.minLength(1), z.maxLength(longestCode)),
  }),
};

export type RewardKind = keyof typeof rewardSchemas;
export type RewardOf<K extends RewardKind> = z.infer<(typeof rewardSchemas)[K]>;
export type Reward = { [K in RewardKind]: RewardOf<K> }[RewardKind];

export const rewardKinds = Object.keys(rewardSchemas) as RewardKind[];

const { answer, format, steps, consistency, efficiency, length, overlong, model, own } = rewardSchemas;
export const rewardSchema = z.discriminatedUnion("kind", [
  answer,
  format,
  steps,
  consistency,
  efficiency,
  length,
  overlong,
  model,
  own,
]);

/** An own reward as people begin with it: something that can be read at a glance, and runs. */
const exampleCode = `function reward({ prompt, completion, reference, tokens }) {
  // Any number: 1 where the answer shows its work, else 0.
  return completion.includes("=") ? 1 : 0;
}
`;

const defaults: { [K in RewardKind]: RewardOf<K> } = {
  answer: { kind: "answer", weight: 1, rule: "strict" },
  format: { kind: "format", weight: 0.5, form: "answer-mark" },
  steps: { kind: "steps", weight: 0.5 },
  consistency: { kind: "consistency", weight: 0.25, by: "numbers" },
  efficiency: { kind: "efficiency", weight: 0.25, unit: "steps", target: 4 },
  length: { kind: "length", weight: 0.25, target: 64 },
  overlong: { kind: "overlong", weight: 1, maxTokens: 96, margin: 32 },
  model: { kind: "model", weight: 1, model: "none" },
  own: { kind: "own", weight: 1, name: "own", code: exampleCode },
};

/** A reward as people begin with it. */
export function newReward<K extends RewardKind>(kind: K, changes: Partial<RewardOf<K>> = {}): RewardOf<K> {
  return { ...defaults[kind], ...changes };
}

/** What a reward is called by itself; two of a kind in one list are told apart by `rewardNames`. */
export function rewardName(reward: Reward): string {
  if (reward.kind === "own") return reward.name;
  return reward.kind === "model" && reward.dimension !== undefined ? reward.dimension : reward.kind;
}

/** The names of a list's curves, `rewards/NAME/mean`: each its own, the second of a name as `answer 2`. */
export function rewardNames(rewards: readonly Reward[]): string[] {
  const plain = rewards.map(rewardName);
  const taken = new Set<string>();
  return plain.map((name) => {
    let unique = name;
    for (let n = 2; taken.has(unique) || (unique !== name && plain.includes(unique)); n++) unique = `${name} ${n}`;
    taken.add(unique);
    return unique;
  });
}

/** What is wrong with rewards that are each right: where, and what; null where nothing is. */
export function wrongRewards(rewards: readonly Reward[]): { field: string; what: Said } | null {
  for (const [i, reward] of rewards.entries()) {
    if (reward.kind === "overlong" && reward.margin > reward.maxTokens)
      return { field: `${i}.margin`, what: say`must be at most maxTokens, ${reward.maxTokens}` };
  }
  if (rewards.every((reward) => reward.weight === 0)) return { field: "0.weight", what: say`one weight is not 0` };
  return null;
}

/** An answer and what it answers: what a reward is given. */
export type RatedText = {
  /** As the model reads it. */
  prompt: string;
  completion: string;
  /** What the data has as its answer; null where it has none. */
  reference: string | null;
  /** How many the completion has. */
  tokens: number;
  /** It ended by itself; false where it was cut off at the most tokens it may have. */
  finished: boolean;
};

/** Answers to one prompt share a `group`: a function of whole groups is given those together. Left out, all are one. */
export type ScoredRow = RatedText & { group?: number };

/** Answers that a list is tried on while it is written: made of a row's own, or written by a model. */
export type SampleKind = "reference" | "wrong" | "empty" | "rambling" | "written" | "failed";
export type SampleRow = ScoredRow & { kind: SampleKind };

/** An answer a model has written to a row, as a run keeps it; `failed` is one that a reward could not rate. */
export type WrittenAnswer = Pick<RatedText, "prompt" | "completion" | "reference"> &
  Partial<Pick<RatedText, "tokens" | "finished">> & { kind?: "written" | "failed" };

/** What answers are worth by a list of rewards. */
export type Scores = {
  /** Each reward's own name: `rewards/NAME/mean`. */
  names: string[];
  /** By row, then by reward, before the weights; null where a reward does not apply. */
  values: (number | null)[][];
  /** By row: Σ weight · value over those that apply, as TRL adds rewards up; 0 where none does. */
  total: number[];
};

/** Where an own reward failed: in its code, from 1, and at which row, from 0. Null where that is not known. */
export type RewardPlace = { line: number | null; column: number | null; row: number | null };
export type RewardFault = { name: string; what: Said } & RewardPlace;

type FaultCode = "reward.failed" | "jail.slow" | "jail.large";

/** The error of an own reward, its places in words: the row is counted from 1 there. */
export function newRewardError(code: FaultCode, { name, what, line, column, row }: RewardFault): StudioError {
  const at = line === null ? null : say`line ${line}, column ${column ?? 1}`;
  const on = row === null ? null : say`row ${row + 1}`;
  if (at && on) return new StudioError(code, say`${name}, ${at}, ${on}: ${what}`);
  return new StudioError(code, at || on ? say`${name}, ${at ?? on ?? ""}: ${what}` : say`${name}: ${what}`);
}

/** What `newRewardError` was made of, or null for any other error; it is read from what crosses the wire. */
export function rewardFault(error: unknown): RewardFault | null {
  if (!(error instanceof StudioError) || !["reward.failed", "jail.slow", "jail.large"].includes(error.code))
    return null;
  const values = error.detail?.values ?? [];
  const [name, what] = [values[0], values.at(-1)];
  if (typeof name !== "string" || typeof what !== "object" || values.length < 2) return null;
  const fault: RewardFault = { name, what, line: null, column: null, row: null };
  for (const place of values.slice(1, -1)) {
    if (typeof place !== "object") return null;
    const [first, second] = place.values;
    if (typeof first !== "number") return null;
    if (place.key === say`row ${0}`.key) fault.row = first - 1;
    else [fault.line, fault.column] = [first, typeof second === "number" ? second : null];
  }
  return fault;
}

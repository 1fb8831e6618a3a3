/** @file What a run is trained for: imitation, preferences, a reward model, or rewards of what the model itself writes. */

import * as z from "zod/mini";
import { newReward, type Reward, rewardSchema, wrongRewards } from "./reward";
import { type Said, say } from "./say";

const whole = (minimum: number, maximum: number) => z.int().check(z.gte(minimum), z.lte(maximum));
const between = (minimum: number, maximum: number) => z.number().check(z.gte(minimum), z.lte(maximum));

/** How the model answers prompts, and what that is worth. */
const written = {
  /** Answers to each prompt. */
  completions: whole(1, 1024),
  sampling: z.strictObject({
    /** At the first step and at the last, on a line between. */
    temperature: z.strictObject({ start: between(0.01, 10), end: between(0.01, 10) }),
    /** 0 is off. */
    topK: whole(0, 1_000_000),
    /** 1 is off. */
    topP: between(0.001, 1),
    /** 0 is off. */
    minP: between(0, 1),
    maxTokens: whole(1, 8192),
    /** Texts that end a completion; they are not part of it. The template's own end always does. */
    stop: z.array(z.string().check(z.minLength(1), z.maxLength(100))).check(z.maxLength(16)),
  }),
  /** The reward is their weighted sum. */
  rewards: z.array(rewardSchema).check(z.minLength(1), z.maxLength(16)),
};

/** The same while it is trained. */
const rollouts = {
  ...written,
  /** Prompts an optimizer step. */
  prompts: whole(1, 4096),
  /** Optimizer steps on each batch of completions. */
  updates: whole(1, 64),
};

/** What each number of a reward model is called, and how much of the whole it is. */
export const dimensionsSchema = z
  .array(z.strictObject({ name: z.string().check(z.minLength(1), z.maxLength(60)), weight: between(-100, 100) }))
  .check(z.minLength(1), z.maxLength(16));
export type Dimension = z.infer<typeof dimensionsSchema>[number];

const schemas = {
  /** The rows' own answers, token by token. */
  sft: z.strictObject({
    kind: z.literal("sft"),
    /** Which tokens the loss counts. */
    lossOn: z.enum(["completion", "all"]),
    /** w of L = w · L_steps + (1 − w) · L_final, each a mean over its own tokens; left out, all tokens count alike. */
    stepWeight: z.optional(between(0, 1)),
  }),
  /** Direct preference optimisation (Rafailov et al. 2023), IPO (Azar et al. 2023), hinge (SLiC, Zhao et al. 2023). */
  dpo: z.strictObject({
    kind: z.literal("dpo"),
    loss: z.enum(["sigmoid", "ipo", "hinge"]),
    beta: between(0.0001, 100),
    /** Share of the preferences taken to be the wrong way round (conservative DPO); sigmoid only. */
    labelSmoothing: between(0, 0.499),
    /** Pairs that the model makes itself, before the first step: the best and the worst of its answers to a prompt. */
    sampled: z.optional(z.strictObject({ ...written, pairs: whole(1, 1_000_000) })),
  }),
  /** Kahneman–Tversky optimisation of single answers judged good or bad (Ethayarajh et al. 2024). */
  kto: z.strictObject({
    kind: z.literal("kto"),
    beta: between(0.0001, 100),
    desirableWeight: between(0, 100),
    undesirableWeight: between(0, 100),
  }),
  /** A reward model: a linear read-out of each answer's last token, one number a dimension. */
  reward: z.strictObject({
    kind: z.literal("reward"),
    loss: z.enum(["bradley-terry", "triplet"]),
    /** What a chosen answer should be ahead by. */
    margin: between(0, 100),
    /** Of the mean squared sum of both rewards, which keeps them about zero (Eisenstein et al. 2023). */
    centre: between(0, 10),
    dimensions: dimensionsSchema,
  }),
  /** Group relative policy optimisation (Shao et al. 2024) and its variants. */
  grpo: z.strictObject({
    kind: z.literal("grpo"),
    ...rollouts,
    loss: z.enum(["grpo", "bnpo", "dr_grpo", "dapo"]),
    /** What advantages are divided by: the spread of their group, of the batch, or nothing. */
    scaleRewards: z.enum(["group", "batch", "none"]),
    /** Of the KL divergence from where the run began. */
    beta: between(0, 10),
    clipLow: between(0, 1),
    clipHigh: between(0, 10),
    /** Groups whose answers are all worth the same teach nothing: they are left out of the step. */
    skipZeroSpread: z.boolean(),
  }),
  /** Proximal policy optimisation (Schulman et al. 2017) with a value read-out on the same model. */
  ppo: z.strictObject({
    kind: z.literal("ppo"),
    ...rollouts,
    gamma: between(0, 1),
    lambda: between(0, 1),
    clip: between(0.001, 10),
    valueClip: between(0.001, 100),
    valueWeight: between(0, 100),
    entropyWeight: between(0, 10),
    kl: z.strictObject({
      /** Taken from the reward of each token, times its divergence from where the run began. */
      coefficient: between(0, 100),
      /** The divergence of a whole answer that the coefficient is steered to (Ziegler et al. 2019); 0 leaves it fixed. */
      target: between(0, 1000),
      horizon: whole(1, 100_000_000),
    }),
    /** Answers of earlier steps that come again, the surprising ones first (Schaul et al. 2015). */
    replay: z.optional(
      z.strictObject({
        /** Answers kept. */
        capacity: whole(1, 100_000),
        /** Share of each batch that is drawn from them. */
        share: between(0, 0.9),
      }),
    ),
  }),
  /** The best of what the model writes, imitated (Yuan et al. 2023). */
  rejection: z.strictObject({
    kind: z.literal("rejection"),
    ...rollouts,
    /** Of each group: its best answer, or all of them; in both cases only those worth at least `threshold`. */
    keep: z.enum(["best", "all"]),
    threshold: between(-1000, 1000),
  }),
};

export type ObjectiveKind = keyof typeof schemas;
export type ObjectiveOf<K extends ObjectiveKind> = z.infer<(typeof schemas)[K]>;
export type Objective = { [K in ObjectiveKind]: ObjectiveOf<K> }[ObjectiveKind];
/** Those that learn from what the model itself writes. */
export type PolicyObjective = ObjectiveOf<"grpo" | "ppo" | "rejection">;

export const objectiveKinds = Object.keys(schemas) as ObjectiveKind[];

const { sft, dpo, kto, reward, grpo, ppo, rejection } = schemas;
export const objectiveSchema = z.discriminatedUnion("kind", [sft, dpo, kto, reward, grpo, ppo, rejection]);

type Rows = "answers" | "pairs" | "judged" | "prompts";
const rowsOfKind: Record<ObjectiveKind, Rows> = {
  sft: "answers",
  dpo: "pairs",
  kto: "judged",
  reward: "pairs",
  grpo: "prompts",
  ppo: "prompts",
  rejection: "prompts",
};

/** Which rows an objective learns from: answers, pairs of them, judged ones, or prompts alone. */
export const rowsOf = (objective: Objective): Rows =>
  objective.kind === "dpo" && objective.sampled ? "prompts" : rowsOfKind[objective.kind];

/** The rewards by which the model's own answers are rated, where it learns from such. */
export function rewardsOf(objective: Objective): Reward[] | null {
  if (objective.kind === "dpo") return objective.sampled?.rewards ?? null;
  return isPolicy(objective) ? objective.rewards : null;
}

const newWritten = () => ({
  completions: 8,
  sampling: { temperature: { start: 1, end: 1 }, topK: 0, topP: 1, minP: 0, maxTokens: 96, stop: [] },
  rewards: [newReward("answer"), newReward("format", { weight: 0.2 })],
});
const newRollouts = () => ({ ...newWritten(), prompts: 8, updates: 1 });

/** Pairs of the model's own, as people begin with them. */
export const newSampledPairs = () => ({ ...newWritten(), pairs: 400 });

const defaults: { [K in ObjectiveKind]: () => ObjectiveOf<K> } = {
  sft: () => ({ kind: "sft", lossOn: "completion" }),
  dpo: () => ({ kind: "dpo", loss: "sigmoid", beta: 0.1, labelSmoothing: 0 }),
  kto: () => ({ kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 }),
  reward: () => ({
    kind: "reward",
    loss: "bradley-terry",
    margin: 0,
    centre: 0.01,
    dimensions: [{ name: "reward", weight: 1 }],
  }),
  grpo: () => ({
    kind: "grpo",
    ...newRollouts(),
    loss: "dapo",
    scaleRewards: "group",
    beta: 0,
    clipLow: 0.2,
    clipHigh: 0.2,
    skipZeroSpread: false,
  }),
  ppo: () => ({
    kind: "ppo",
    ...newRollouts(),
    updates: 2,
    gamma: 1,
    lambda: 0.95,
    clip: 0.2,
    valueClip: 0.2,
    valueWeight: 0.1,
    entropyWeight: 0,
    kl: { coefficient: 0.05, target: 6, horizon: 10_000 },
  }),
  rejection: () => ({ kind: "rejection", ...newRollouts(), keep: "all", threshold: 1 }),
};

/** An objective as people begin with it. */
export function newObjective<K extends ObjectiveKind>(kind: K, changes: Partial<ObjectiveOf<K>> = {}): ObjectiveOf<K> {
  return { ...defaults[kind](), ...changes };
}

export const isPolicy = (objective: Objective): objective is PolicyObjective =>
  rowsOfKind[objective.kind] === "prompts";

/** Which tokens of an answer count in a loss over whole answers. */
export const lossOnOf = (objective: Objective): "completion" | "all" =>
  objective.kind === "sft" ? objective.lossOn : "completion";

/** What is wrong with settings that are each right: where, and what; null where nothing is. */
export function wrongObjective(objective: Objective): { field: string; what: Said } | null {
  if (objective.kind === "dpo" && objective.labelSmoothing > 0 && objective.loss !== "sigmoid") {
    return { field: "labelSmoothing", what: say`goes with the sigmoid loss alone` };
  }
  if (objective.kind === "reward") {
    const names = objective.dimensions.map(({ name }) => name);
    if (new Set(names).size < names.length) return { field: "dimensions", what: say`a name is there twice` };
  }
  const rewards = rewardsOf(objective);
  if (rewards) {
    const wrong = wrongRewards(rewards);
    const path = isPolicy(objective) ? "rewards" : "sampled.rewards";
    if (wrong) return { field: `${path}.${wrong.field}`, what: wrong.what };
  }
  return null;
}

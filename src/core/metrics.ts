/** @file What a run measures, under the names the Hugging Face Trainer logs, and what a run's job tells while it runs. */

import type { WireError } from "./errors";

/** Figures of single objectives, as TRL logs them. */
export type FigureName =
  | "reward"
  | "reward_std"
  | `rewards/${string}`
  | "frac_reward_zero_std"
  | "completions/mean_length"
  | "completions/min_length"
  | "completions/max_length"
  | "completions/clipped_ratio"
  | "kl"
  | "entropy"
  | `clip_ratio/${string}`
  | "policy/approx_kl"
  | "sampling/temperature"
  | "loss/policy"
  | "loss/value"
  | "value/explained_variance"
  | "value/clip_ratio"
  | "kl_coefficient"
  | "replay/share"
  | `logps/${string}`;
export type Figures = { [name in FigureName]?: number };

export type StepMetrics = Figures & {
  step: number;
  "train/loss": number;
  /** Global norm of the gradient before clipping. */
  "train/grad_norm": number;
  "train/learning_rate": number;
  "train/epoch": number;
  /** Tokens of the step, padding apart. */
  tokens: number;
  tokens_per_second: number;
  /** Seconds of training so far, evaluation and pauses apart. */
  seconds: number;
};

export type EvalMetrics = {
  step: number;
  /** Mean over the completion tokens of the held-out rows; null where there are none. */
  "eval/loss": number | null;
  /** Share of held-out problems solved, 0–1; null where the data has no extractable answers. */
  "gsm8k/strict": number | null;
  "gsm8k/flexible": number | null;
  /** Standard error of the strict share: √(p(1−p)/(n−1)), as lm-eval gives it. */
  "gsm8k/stderr": number | null;
  /** Share of completions equal to the reference, for short answers without numbers; else null. */
  exact_match: number | null;
  /** Share of the written steps a∘b=c that are right; null where none are written. */
  "steps/valid": number | null;
  /** Problems asked. */
  n: number;
  /** Share of problems that at least one of k sampled answers solves, by the strict rule; `pass_at` is k. */
  "gsm8k/pass"?: number;
  pass_at?: number;
  /** Of held-out pairs: share whose chosen answer is rated higher, and by how much on average. */
  "rewards/accuracies"?: number;
  "rewards/margins"?: number;
  /** One character a problem asked, in their order: 3 right by both rules, 2 strictly, 1 flexibly, 0 wrong. */
  outcomes?: string;
  seconds: number;
};

/** One of the fixed held-out prompts as answered at an evaluation. */
export type Sample = {
  step: number;
  index: number;
  prompt: string;
  reference: string;
  completion: string;
  /** Right by the flexible rule; null where the data has no extractable answers. */
  correct: boolean | null;
};

export type AlertKind = "nan" | "spike" | "plateau" | "kl" | "gaming";
export type Alert = { step: number; kind: AlertKind; value: number };

/** How LoAR routes at an evaluation, by layer and head. */
export type Routing = {
  step: number;
  /** Mean gate over the tokens of held-out rows: 1 lets a head pass as it is. [L][H] */
  gates: number[][];
  /** What a marked key's score gains, in soft mode: [L][H]; null in the others. */
  lambdas: number[][] | null;
};

/** One of a group's answers as it was written, rated and learnt from. */
export type Completion = {
  /** Token by token; together they are the text. */
  tokens: string[];
  /** Ended by itself, not by its length. */
  finished: boolean;
  /** By the names of `GroupStep`; null where a reward does not apply. */
  rewards: (number | null)[];
  /** Their weighted sum. */
  reward: number;
  /** What the step pushes each token by: one number where all tokens share it. */
  advantages: number[];
  /** How much likelier each token has become since the run began, nats; null where that was not measured. */
  change: number[] | null;
};

/** A prompt and all the answers to it that one step learnt from. */
export type Group = { prompt: string; reference: string; completions: Completion[] };

/** The groups of one step. */
export type GroupStep = { step: number; rewardNames: string[]; groups: Group[] };

/** An own reward whose code was mended while the run was paused: steps after `step` are rated by `after`. */
export type RewardChange = { step: number; name: string; before: string; after: string };

/** A checkpoint on disk is complete once this is told. */
export type CheckpointNote = { step: number; bytes: number };

export type RunEvent =
  | { event: "step"; metrics: StepMetrics }
  | { event: "eval"; metrics: EvalMetrics }
  | { event: "samples"; samples: Sample[] }
  | { event: "alert"; alert: Alert }
  | { event: "routing"; routing: Routing }
  | { event: "groups"; groups: GroupStep }
  | { event: "checkpoint"; checkpoint: CheckpointNote }
  | { event: "change"; change: RewardChange }
  | {
      event: "progress";
      phase: "loading" | "tokenizing" | "evaluating" | "training" | "writing" | "reference";
      done: number;
      total: number;
    }
  | { event: "status"; status: RunStatusKind; error?: WireError };

export type RunStatusKind = "draft" | "running" | "paused" | "interrupted" | "done" | "stopped" | "failed";

/** All a run has told so far, each list by step. */
export type RunHistory = {
  steps: StepMetrics[];
  evals: EvalMetrics[];
  samples: Sample[];
  alerts: Alert[];
  routings: Routing[];
  checkpoints: CheckpointNote[];
};

/** @file How long a run's steps take, from what was measured on this device: of its own kind, or of what they are made of. */

import { isPolicy, type Objective, type ObjectiveOf } from "../core/objective";
import type { Recipe } from "../core/recipe";
import { type Counted, rowsAStep } from "./planRows";
import { pairPromptsAtOnce } from "./preference";

/** What was measured, null where nothing was. */
export type Speeds = {
  /** Tokens a second of training by imitation. */
  trained: number | null;
  /** Tokens a second of writing as many answers at once as the recipe does. */
  written: number | null;
  /** Seconds of a step, of runs that do the same: of the imitation before, and of the recipe's own objective. */
  firstStep: number | null;
  ownStep: number | null;
};

export const noSpeeds: Speeds = { trained: null, written: null, firstStep: null, ownStep: null };

/** A pass without a way back takes about so much of one with it: the way back to an adapter is as long as the way there. */
const readingShare = 0.45;

/** Passes without a way back, beside those that learn: the reference's, and what tokens were worth. */
const readings: Record<ObjectiveOf<"grpo" | "ppo" | "rejection">["kind"], number> = { grpo: 1, rejection: 1, ppo: 2 };

/** How the model writes its own answers, where it does, and to how many prompts one after the other. */
export function writtenOf(objective: Objective) {
  if (isPolicy(objective)) return objective;
  const sampled = objective.kind === "dpo" ? objective.sampled : undefined;
  return sampled && { ...sampled, prompts: pairPromptsAtOnce };
}

export type StageSeconds = {
  /** Of a step of the imitation before; null where it is not known, or there is none. */
  first: number | null;
  /** Between the two: pairs that are written, and what the reference says of them. */
  before: number | null;
  /** Of a step of the recipe's own objective. */
  own: number | null;
};

/** Seconds of the steps of each stage, without evaluations. */
export function stageSeconds(recipe: Recipe, counted: Counted, speeds: Speeds): StageSeconds {
  const { objective, sftFirst, batching } = recipe;
  const imitated = batching.rows * batching.accumulation * counted.meanTokens;
  const imitating = speeds.trained === null ? null : imitated / speeds.trained;
  return {
    first: sftFirst ? (speeds.firstStep ?? imitating) : null,
    before: preparing(recipe, counted, speeds),
    own: speeds.ownStep ?? (objective.kind === "sft" ? imitating : ownStep(recipe, counted, speeds)),
  };
}

/** Tokens of an answer of the model's own: as long as those it imitated, else as long as it may be. */
export function answerTokens({ objective, sftFirst }: Recipe, { meanAnswer }: Pick<Counted, "meanAnswer">): number {
  const { maxTokens } = writtenOf(objective)?.sampling ?? { maxTokens: 0 };
  return sftFirst ? Math.min(maxTokens, meanAnswer) : maxTokens;
}

function ownStep(recipe: Recipe, counted: Counted, { trained, written }: Speeds): number | null {
  const { objective } = recipe;
  if (trained === null) return null;
  if (!isPolicy(objective)) {
    const isOwn = writtenOf(objective) !== undefined;
    const pair = 2 * (counted.meanPrompt + answerTokens(recipe, counted));
    const strange = objective.kind === "kto" ? 2 * readingShare : 0; // each prompt with another's answer, twice
    return (rowsAStep(recipe) * (isOwn ? pair : counted.meanAll) * (1 + strange)) / trained;
  }
  if (written === null) return null;
  const answers = objective.prompts * objective.completions;
  const length = answerTokens(recipe, counted);
  const passes = objective.updates + readings[objective.kind] * readingShare;
  return (answers * length) / written + (answers * (counted.meanPrompt + length) * passes) / trained;
}

/** Where preferences are learnt: the reference reads every answer once, and the model's own are written before. */
function preparing(recipe: Recipe, counted: Counted, { trained, written }: Speeds): number | null {
  const { objective } = recipe;
  if (objective.kind !== "dpo" && objective.kind !== "kto") return 0;
  if (trained === null) return null;
  const sampled = objective.kind === "dpo" ? objective.sampled : undefined;
  if (!sampled) return (counted.rows * counted.meanAll * readingShare) / trained;
  if (written === null) return null;
  const length = answerTokens(recipe, counted);
  const pairs = Math.min(sampled.pairs, counted.rows);
  const read = (pairs * 2 * (counted.meanPrompt + length) * readingShare) / trained;
  return (pairs * sampled.completions * length) / written + read;
}

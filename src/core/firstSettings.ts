/** @file What people begin with: learning rates, schedules and objectives for a model of some size, and where each comes from. */

import type { Adaptation, MethodKind } from "./adaptation";
import { isPolicy, newObjective, newSampledPairs, type Objective, type ObjectiveKind, rowsOf } from "./objective";
import { newRecipe, quickstarts, type Recipe } from "./recipe";

/** From so many parameters on, a first run is kept short and small. */
export const large = 20e6;

/** What settings follow: methods and objective. */
export type Goal = Pick<Recipe, "adaptation" | "objective">;
export type Settings = Pick<Recipe, "batching" | "optimizer" | "schedule" | "evaluation" | "checkpoints">;

/**
 * Learning rates of imitation, of a small model and of a large one: few numbers that stand for much need long steps. Those
 * of the small one did best of two to four tried on the embedded model over 30 or 40 steps (docs/lab.md); those of the
 * large one are usual in papers and in PEFT's examples, and not measured here.
 */
const firstRates: Record<MethodKind, [small: number, large: number]> = {
  lora: [2e-3, 2e-4],
  loar: [2e-2, 2e-3],
  full: [1e-3, 2e-5],
  last: [1e-2, 5e-5],
  bias: [5e-2, 1e-3],
  prefix: [0.5, 1e-2],
  prompt: [0.3, 3e-2],
  bottleneck: [6e-3, 3e-4],
  ia3: [0.1, 5e-3],
  head: [1e-2, 1e-3],
};

/**
 * Published learning rates for large models: of all their weights, and of LoRA, which bears ten times as much (TRL's PEFT
 * guide, after Schulman et al. 2025, "LoRA Without Regret"). docs/decisions/018 says for each where it comes from.
 */
const publishedRates: Record<ObjectiveKind, [full: number, lora: number]> = {
  sft: [2e-5, 2e-4], // SFTConfig; TRL's PEFT guide
  dpo: [1e-6, 5e-6], // Rafailov et al. 2023 and DPOConfig; TRL's PEFT guide
  kto: [1e-6, 5e-6], // KTOConfig; as DPO's
  reward: [1e-5, 1e-4], // TRL's script for all weights; RewardConfig
  grpo: [1e-6, 1e-5], // DeepSeekMath and GRPOConfig; TRL's PEFT guide
  ppo: [3e-6, 3e-5], // TRL's PPO example; ten times that
  rejection: [2e-5, 2e-4], // imitation's, which it is
};

/** On the embedded model, where no quickstart says: what compares answers moves a model further than what copies them. */
const comparedShare = 0.25;

/** The embedded recipe that has such an objective, or the nearest to it. */
export function usualOf(objective: Objective): Recipe {
  if (objective.kind === "dpo" && objective.sampled) return quickstarts["dpo-quickstart"]();
  if (objective.kind === "ppo") return quickstarts["ppo-quickstart"]();
  return isPolicy(objective) ? quickstarts["grpo-quickstart"]() : newRecipe();
}

const trainsWeights = (adaptation: Adaptation) => adaptation.some(({ kind }) => kind === "full" || kind === "last");

/** An objective's learning rate as a share of imitation's. */
function shareOf({ adaptation, objective }: Goal, parameters: number): number {
  if (parameters >= large) {
    const column = trainsWeights(adaptation) ? 0 : 1;
    return publishedRates[objective.kind][column] / publishedRates.sft[column];
  }
  const isCompared = (objective.kind === "dpo" && !objective.sampled) || objective.kind === "kto";
  return isCompared ? comparedShare : usualOf(objective).optimizer.learningRate / newRecipe().optimizer.learningRate;
}

/** Of several methods the rate of the most careful one: they share it. */
export function firstRate(goal: Goal, parameters: number): number {
  const rates = goal.adaptation.map(({ kind }) => firstRates[kind][parameters < large ? 0 : 1]);
  return Number((Math.min(...rates) * shareOf(goal, parameters)).toPrecision(10));
}

/** What people begin with for a model of its size, these methods and this objective. */
export function firstSettings(goal: Goal, parameters: number): Settings {
  const { batching, optimizer, schedule, evaluation, checkpoints } = usualOf(goal.objective);
  const first = { batching, optimizer: { ...optimizer, learningRate: firstRate(goal, parameters) }, schedule };
  if (parameters < large) return { ...first, evaluation, checkpoints };
  const { objective } = goal;
  const isCompared = rowsOf(objective) !== "answers" && !isPolicy(objective);
  return {
    ...first,
    // A pass holds one pair; four of them, or eight single answers, are compared in a step.
    batching: { ...batching, rows: 2, accumulation: isCompared ? 4 : 1, contextLength: 0 },
    schedule: { kind: isPolicy(objective) ? "constant" : schedule.kind, steps: 60, warmupSteps: 5 },
    evaluation: {
      ...evaluation,
      every: 20,
      rows: 8,
      lossRows: 16,
      maxTokens: isPolicy(objective) ? largeAnswer : 128,
      samples: 2,
    },
    checkpoints: { every: 20 },
  };
}

/** Tokens of a large model's answer at most: TRL's default is 512, which takes twice the time. */
const largeAnswer = 256;

/** The same kind, with nothing set yet. */
const plainOf = (objective: Objective): Objective =>
  objective.kind === "dpo" && objective.sampled
    ? newObjective("dpo", { sampled: newSampledPairs() })
    : newObjective(objective.kind);

/**
 * An objective of this kind as people begin with it: on the embedded model its quickstart's, on large ones with TRL's settings
 * (`newObjective`), where longer answers are written to fewer prompts and PPO learns from its batches four times, as
 * InstructGPT and TRL do.
 */
export function firstObjective(of: Objective, parameters: number): Objective {
  const plain = plainOf(of);
  if (parameters < large) {
    const { objective } = usualOf(plain);
    return objective.kind === plain.kind ? objective : plain;
  }
  const longer = <T extends { maxTokens: number }>(sampling: T): T => ({ ...sampling, maxTokens: largeAnswer });
  if (plain.kind === "dpo" && plain.sampled) {
    const { sampled } = plain;
    return { ...plain, sampled: { ...sampled, pairs: 100, sampling: longer(sampled.sampling) } };
  }
  if (!isPolicy(plain)) return plain;
  const written = { ...plain, prompts: 4, sampling: longer(plain.sampling) };
  return written.kind === "ppo" ? { ...written, updates: 4 } : written;
}

/** The objective for a model of another size: one that nobody has changed follows it. */
export function objectiveFor(objective: Objective, parameters: number): Objective {
  const isUntouched = [0, large].some((size) => isSame(objective, firstObjective(objective, size)));
  return isUntouched ? firstObjective(objective, parameters) : objective;
}

const usualImitation = { rows: 300, steps: 150, learningRate: 2e-3 };

/** Imitation before rewards, as people begin with it. */
export function firstImitation(adaptation: Adaptation, parameters: number): NonNullable<Recipe["sftFirst"]> {
  const imitation = newObjective("sft");
  const learningRate = firstRate({ adaptation, objective: imitation }, parameters);
  if (parameters >= large) return { ...usualImitation, steps: 60, learningRate };
  const { adaptation: usual, sftFirst = usualImitation } = quickstarts["grpo-quickstart"]();
  const share = learningRate / firstRate({ adaptation: usual, objective: imitation }, parameters);
  return { ...sftFirst, learningRate: Number((sftFirst.learningRate * share).toPrecision(10)) };
}

/** The same written alike. */
export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** @file How much memory a run takes at its peak: the greatest of what its stages, their steps and evaluations hold at once. */

import { type Adaptation, biasableNames, countTrained, methodOf } from "../core/adaptation";
import { type LinearName, linearShape } from "../core/adapter";
import type { MemoryPart } from "../core/engine";
import type { ModelConfig } from "../core/model";
import { newObjective, type Objective, rowsOf } from "../core/objective";
import { type Recipe, trainedAdaptation } from "../core/recipe";
import { chunkLogits } from "../kernels/linearCrossEntropy";
import { prefillTokens } from "../model/generation";
import { promptsAtOnce, rowsAtOnce } from "./measureAnswers";
import { lossRowsAtOnce } from "./measureLoss";
import { writtenOf } from "./planTime";
import { contextOf } from "./prepareData";

/** A model and what its weights take on the device, in bytes. */
export type Sized = { config: ModelConfig; weightBytes: number };

/** Of the rows that fit, in tokens. */
export type Extents = {
  /** The longest prompt with an answer of the data. */
  longest: number;
  /** The most that are trained of one. */
  trained: number;
  /** The longest prompt. */
  prompt: number;
  /** Rows held out, and whether answers to them can be scored. */
  heldout: number;
  isScored: boolean;
};

/** What a plan is made of beside the recipe. */
type Setting = { recipe: Recipe; config: ModelConfig; extents: Extents; recompute: boolean };

/** Texts read in one pass, one or more a row: `read` are the places whose logits are made. */
type Pass = { rows: number; tokens: number; read: number };

/**
 * Bytes at the peak, and what they are for. Policy and reference share the base: a reference is one more set of the
 * adapter's numbers. planMemory.test.ts holds the figure to what steps take, planRuns.test.ts to what whole runs do.
 */
export function memoryOf(
  recipe: Recipe,
  { config, weightBytes }: Sized,
  extents: Extents,
  recompute: boolean,
): { bytes: number; part: MemoryPart } {
  const setting = { recipe, config, extents, recompute };
  const adapter = countTrained(config, trainedAdaptation(recipe));
  const reference = countTrained(config, recipe.adaptation);
  const measuring = Math.max(...evaluating(setting));
  const stages = recipe.sftFirst
    ? [
        { objective: newObjective("sft"), hasReference: recipe.start !== undefined },
        { objective: recipe.objective, hasReference: true },
      ]
    : [{ objective: recipe.objective, hasReference: recipe.start !== undefined }];
  const peaks = stages.flatMap(({ objective, hasReference }) => {
    // The numbers and their two moments throughout.
    const held = 3 * adapter + (hasReference ? reference : 0);
    const { step, answers, passes } = stageNumbers(setting, objective);
    const sum = passes > 1 ? adapter : 0; // the gradient of the passes before
    return [
      { numbers: held + sum + step, part: "step" as const },
      { numbers: held + answers, part: "answers" as const },
      { numbers: held + measuring, part: "evaluation" as const },
      // Their gradients, apart and then end to end, when all else is gone; the sum with those before where there are any.
      { numbers: held + (passes > 1 ? 4 : 2) * adapter, part: "numbers" as const },
    ];
  });
  const most = peaks.reduce((a, b) => (b.numbers > a.numbers ? b : a));
  return { bytes: weightBytes + 4 * most.numbers, part: most.part };
}

type StageNumbers = { step: number; answers: number; passes: number };

/** What a stage holds beside what it trains: in a pass of a step, and while it writes answers. */
function stageNumbers(setting: Setting, objective: Objective): StageNumbers {
  const { recipe, config, extents } = setting;
  const { rows, accumulation, mode } = recipe.batching;
  const { longest, trained } = extents;
  const own = documentOf(setting, objective);
  switch (objective.kind) {
    case "sft": {
      const capacity = recipe.batching.contextLength > 0 ? contextOf(recipe, config) : longest;
      const length = mode === "pack" ? capacity : longest;
      const step = learning(setting, texts({ length, read: trained }, rows), 2);
      return { step, answers: 0, passes: accumulation };
    }
    case "dpo": {
      const pass = texts(own, 2 * Math.max(1, Math.floor(rows / 2)));
      return { step: learning(setting, pass, 2), answers: writing(setting, objective), passes: accumulation };
    }
    case "kto": {
      // What an answer is worth to another's prompt.
      const strange = { length: Math.min(config.maxPositions, extents.prompt + trained), read: trained };
      const step = Math.max(learning(setting, texts(own, rows), 2), reading(setting, texts(strange, rows)));
      return { step, answers: 0, passes: accumulation };
    }
    case "reward": {
      const scored = { length: longest, read: 1 };
      return {
        step: learning(setting, texts(scored, 2 * Math.max(1, Math.floor(rows / 2))), 0),
        answers: 0,
        passes: accumulation,
      };
    }
    case "grpo":
    case "ppo":
    case "rejection": {
      const count = objective.prompts * objective.completions;
      // Entropies have logits' gradients of their own, and both are added up.
      const step = learning(setting, texts(own, Math.min(rows, count)), 4);
      return { step, answers: writing(setting, objective), passes: Math.ceil(count / rows) };
    }
  }
}

const texts = ({ length, read }: { length: number; read: number }, rows: number): Pass => ({
  rows,
  tokens: rows * length,
  read: rows * read,
});

/** The longest text that an objective learns from. */
function documentOf({ config, extents }: Setting, objective: Objective): { length: number; read: number } {
  const written = writtenOf(objective);
  if (!written) return { length: extents.longest, read: extents.trained };
  const { maxTokens } = written.sampling;
  return { length: Math.min(config.maxPositions, extents.prompt + maxTokens), read: maxTokens };
}

/** Numbers a token that a block's derivative reads: the inputs of its norms and products, the heads, the gate and its product. */
const blockOf = ({ hiddenSize: C, intermediateSize: F, headDim: D, heads: H, keyValueHeads: K }: ModelConfig) =>
  4 * C + (2 * H + 2 * K) * D + H + 3 * F;

/** Numbers a token that a block makes beside its output: norms, heads before and behind their rotation, what is fed forward. */
const madeBy = ({ hiddenSize: C, intermediateSize: F, headDim: D, heads: H, keyValueHeads: K }: ModelConfig) =>
  5 * C + (3 * H + 4 * K) * D + 3 * F;

/** Tokens of a soft prompt, which each row begins with. */
const promptTokens = ({ adaptation }: Recipe) => methodOf(adaptation, "prompt")?.virtualTokens ?? 0;

/**
 * A pass with its way back, which frees as it goes, so that the peak lies where the forward pass ends, beside `copies` of the
 * logits, their gradients among them. With `recompute` only the blocks' inputs are kept, and one block's activations at a
 * time with half as much again of its gradients.
 */
function learning({ recipe, config, recompute }: Setting, pass: Pass, copies: number): number {
  const { hiddenSize: C, layers, vocabSize: V } = config;
  const block = blockOf(config);
  const extra = extraNumbers(config, recipe.adaptation);
  const tokens = pass.tokens + pass.rows * promptTokens(recipe);
  // What the layers give before their biases, which nothing reads on the way back.
  const passing = methodOf(recipe.adaptation, "bias") ? outputsOf(config, biasableNames(config)) : 0;
  const kept = tokens * layers * (recompute ? C : block + extra);
  const logits = 2 * pass.read * C + copies * Math.min(pass.read * V, chunkLogits);
  return kept + Math.max(logits, recompute ? tokens * (1.5 * block + extra + passing) : 0);
}

/** A pass without one: what the blocks are given stays until the end, and all that one block makes at a time. */
function reading({ recipe, config }: Setting, { rows, tokens: given, read }: Pass): number {
  const { hiddenSize: C, layers, vocabSize: V } = config;
  const tokens = given + rows * promptTokens(recipe);
  const block = tokens * (madeBy(config) + extraNumbers(config, recipe.adaptation));
  return tokens * (layers + 1) * C + Math.max(block, read * C + Math.min(read * V, chunkLogits));
}

/** Answers to prompts, as many at once as `jobs/rollouts.ts` takes. */
function writing(setting: Setting, objective: Objective): number {
  const written = writtenOf(objective);
  if (!written) return 0;
  const { prompts, completions, sampling } = written;
  const { config, extents } = setting;
  const atOnce = Math.min(prompts, promptsAtOnce(config, extents.prompt + sampling.maxTokens, completions));
  return generating(setting, { prompts: atOnce, copies: completions, maxTokens: sampling.maxTokens });
}

type Generating = { prompts: number; copies: number; maxTokens: number };

/**
 * Generation: the prompts are read, some at a time, their cache is copied for each answer, and grows no more. Rows that end are
 * left out of a copy of it, beside which the whole is still there.
 */
function generating(setting: Setting, { prompts, copies, maxTokens }: Generating): number {
  const { recipe, config, extents } = setting;
  const { layers, keyValueHeads: K, headDim: D, hiddenSize: C, vocabSize: V, maxPositions } = config;
  const virtual = promptTokens(recipe) + (methodOf(recipe.adaptation, "prefix")?.virtualTokens ?? 0);
  const rows = prompts * copies;
  const cache = layers * 2 * K * D * Math.min(maxPositions, virtual + extents.prompt + maxTokens);
  const whole = prompts * extents.prompt;
  const first = Math.min(whole, Math.max(prefillTokens, extents.prompt));
  const together = Math.ceil(first / Math.max(1, extents.prompt));
  const read = prompts * cache + reading(setting, { rows: together, tokens: first, read: together });
  const spread = (copies > 1 ? prompts + rows : whole > first ? 2 * prompts : 0) * cache;
  const next = rows * (cache + cache / layers + layers * C + madeBy(config) + 2 * V);
  return Math.max(read, spread + rows * V, 2 * rows * cache, next);
}

/** What an evaluation holds: the answers to held-out prompts, those of pass@k, and the passes of the loss. */
function evaluating(setting: Setting): number[] {
  const { recipe, config, extents } = setting;
  const { rows, finalRows = 0, samples, lossRows, maxTokens, passAt } = recipe.evaluation;
  const fitting = rowsAtOnce(config, extents.prompt + maxTokens);
  const scored = extents.isScored ? Math.max(rows, finalRows) : 0;
  const asked = Math.min(fitting, extents.heldout, Math.max(scored, samples));
  const parts = [asked > 0 ? generating(setting, { prompts: asked, copies: 1, maxTokens }) : 0];
  if (passAt !== undefined && scored > 0) {
    const prompts = Math.min(scored, extents.heldout, promptsAtOnce(config, extents.prompt + maxTokens, passAt));
    parts.push(generating(setting, { prompts, copies: passAt, maxTokens }));
  }
  const kind = rowsOf(recipe.objective);
  if (kind === "answers" || kind === "prompts") {
    const count = Math.min(lossRows, extents.heldout, lossRowsAtOnce(config, extents.longest));
    parts.push(reading(setting, texts({ length: extents.longest, read: extents.trained }, count)));
  }
  return parts;
}

const outputsOf = (config: ModelConfig, names: readonly LinearName[]) =>
  names.reduce((sum, name) => sum + linearShape(config, name)[0], 0);

/** Numbers a token that the methods' derivatives read beside the block's own. */
function extraNumbers(config: ModelConfig, adaptation: Adaptation): number {
  const { hiddenSize: C, headDim: D, heads: H, keyValueHeads: K } = config;
  const outputs = (names: readonly LinearName[]) => outputsOf(config, names);
  return adaptation.reduce((sum, method) => {
    switch (method.kind) {
      case "lora":
        return sum + method.targetModules.length * method.rank + (method.dora ? outputs(method.targetModules) : 0);
      case "ia3": {
        const isFed = (name: LinearName) => method.feedForwardModules.includes(name);
        const inputs = method.targetModules.filter(isFed).reduce((all, name) => all + linearShape(config, name)[1], 0);
        return sum + inputs + outputs(method.targetModules.filter((name) => !isFed(name)));
      }
      case "bottleneck":
        return sum + 2 * (2 * method.size + C);
      case "loar":
        return sum + H * D + H; // the heads' outputs before their gates
      case "prefix":
        return sum + (2 * H + 2 * K) * D; // the heads once more, behind the prefix
      default:
        return sum;
    }
  }, 0);
}

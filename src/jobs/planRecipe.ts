/** @file What will happen if a recipe is started: rows, tokens, steps, memory, time. */

import { type Adaptation, adaptationTensors, biasableNames, countTrained, methodOf } from "../core/adaptation";
import { type LinearName, linearShape } from "../core/adapter";
import type { Example } from "../core/dataset";
import type { Plan } from "../core/engine";
import { countParameters, type ModelConfig } from "../core/model";
import { nextTick } from "../core/nextTick";
import { lossOnOf } from "../core/objective";
import { seedFor, shuffled } from "../core/random";
import type { Recipe } from "../core/recipe";
import { bytes } from "../core/units";
import { type Document, newDocument } from "../data/mask";
import type { Tokenizer } from "../data/tokenizer";
import { planSafetensors } from "../formats/safetensors";
import { chunkLogits } from "../kernels/linearCrossEntropy";
import { contextOf, type Source, scoringOf, splitSource } from "./prepareData";

/** Rows tokenized to the last one; of larger data sets a sample of so many speaks for all. */
const countedRows = 20_000;
/** The share of the memory from which on it is short. */
const tight = 0.7;
/** Milliseconds of tokenizing between two turns of the event loop. */
const slice = 25;

/** A model and what its weights take on the device, in bytes. */
export type Sized = { config: ModelConfig; weightBytes: number };

export type Lengths = {
  /** Tokens of each row counted, and how many of them are trained. */
  tokens: Uint32Array;
  trained: Uint32Array;
  /** Rows that each counted row speaks for. */
  weight: number;
};

/** The tokens of the training rows, under the recipe's template. Throws the signal's reason when aborted. */
export async function measureLengths(
  examples: readonly Example[],
  recipe: Pick<Recipe, "template" | "objective">,
  tokenizer: Tokenizer,
  signal: AbortSignal,
): Promise<Lengths> {
  const count = Math.min(examples.length, countedRows);
  const order = count < examples.length ? shuffled(examples.length, seedFor(1, "plan")) : null;
  const lengths = { tokens: new Uint32Array(count), trained: new Uint32Array(count), weight: examples.length / count };
  let paused = performance.now();
  for (let i = 0; i < count; i++) {
    const example = examples[order?.[i] ?? i];
    if (!example) continue;
    const document = newDocument(
      example,
      recipe.template,
      tokenizer,
      lossOnOf(recipe.objective),
      Number.MAX_SAFE_INTEGER,
    );
    lengths.tokens[i] = document.tokens.length;
    lengths.trained[i] = countOnes(document.trained);
    if (performance.now() - paused > slice) {
      await nextTick();
      signal.throwIfAborted();
      paused = performance.now();
    }
  }
  return lengths;
}

const countOnes = (trained: Document["trained"]) => trained.reduce((sum, one) => sum + one, 0);

/** Whether so little memory (bytes) is there that a run on these documents makes its activations again. */
export function isMemoryShort(
  recipe: Recipe,
  model: Sized,
  documents: readonly Document[],
  available: number,
): boolean {
  const lengths = {
    tokens: Uint32Array.from(documents, ({ tokens }) => tokens.length),
    trained: Uint32Array.from(documents, ({ trained }) => countOnes(trained)),
    weight: 1,
  };
  return memoryOf(recipe, model, lengths, contextOf(recipe, model.config), false) > tight * available;
}

export type PlanInputs = {
  recipe: Recipe;
  model: Sized;
  source: Source;
  /** Of the rows that `splitSource` gives for training. */
  lengths: Lengths;
  /** Bytes that the device or host can give. */
  available: number;
  /** Seconds of one optimizer step of this recipe on this device, or null where none was measured. */
  secondsAStep: (tokensAStep: number) => number | null;
};

export function planRecipe({ recipe, model, source, lengths, available, secondsAStep }: PlanInputs): Plan {
  const { config } = model;
  const { train, heldout } = splitSource(source, recipe);
  const context = contextOf(recipe, config);
  const fitting = lengths.tokens.filter((n) => n <= context);
  const rows = Math.round(fitting.length * lengths.weight);
  const meanTokens = fitting.reduce((sum, n) => sum + n, 0) / Math.max(1, fitting.length);
  const rowsAStep = recipe.batching.rows * recipe.batching.accumulation;
  const whole = memoryOf(recipe, model, lengths, context, false);
  const recompute = whole > tight * available;
  const needed = recompute ? memoryOf(recipe, model, lengths, context, true) : whole;
  const seconds = secondsAStep(rowsAStep * meanTokens);
  return {
    rows,
    evaluationRows: heldout.length,
    context,
    tooLong: train.length - rows,
    longest: lengths.tokens.reduce((most, n) => Math.max(most, n), 0),
    meanTokens,
    steps: recipe.schedule.steps,
    epochs: (recipe.schedule.steps * rowsAStep) / Math.max(1, rows),
    trainedParameters: countTrained(config, recipe.adaptation),
    fileBytes: bytes(fileBytes(config, recipe.adaptation)),
    parameters: countParameters(config),
    memory: {
      needed: bytes(needed),
      available: bytes(available),
      verdict: needed > available ? "too large" : needed > tight * available ? "tight" : "fits",
      recompute,
    },
    seconds: seconds === null ? null : seconds * recipe.schedule.steps,
    scoring: scoringOf(heldout),
  };
}

const fileBytes = (config: ModelConfig, adaptation: Adaptation) =>
  planSafetensors(new Map([...adaptationTensors(config, adaptation)].map(([name, shape]) => [name, { shape }]))).size;

/**
 * Bytes at the peak of a step, or of an evaluation where that is more. The tape keeps what a block's derivative reads: the
 * inputs of its norms and products, the heads, the gate and its product. The way back frees as it goes, so that the
 * peak lies where the forward pass ends, beside the logits and their gradient, or, where all is trained, at the end of the
 * way back, where gradients are put end to end. With `recompute` only the blocks' inputs are kept, and one block's
 * activations at a time with half as much again of its gradients. planMemory.test.ts holds it to what steps take.
 */
function memoryOf(recipe: Recipe, model: Sized, lengths: Lengths, context: number, recompute: boolean): number {
  const { config } = model;
  const { hiddenSize: C, intermediateSize: F, headDim: D, heads: H, keyValueHeads: K, layers, vocabSize: V } = config;
  const trained = countTrained(config, recipe.adaptation);
  const fitting = [...lengths.tokens.keys()].filter((i) => (lengths.tokens[i] ?? 0) <= context);
  const longest = fitting.reduce((most, i) => Math.max(most, lengths.tokens[i] ?? 0), 0);
  const mostTrained = fitting.reduce((most, i) => Math.max(most, lengths.trained[i] ?? 0), 0);
  const { rows } = recipe.batching;
  const virtual = methodOf(recipe.adaptation, "prompt")?.virtualTokens ?? 0;
  const capacity = recipe.batching.contextLength > 0 ? context : longest;
  const tokens = rows * (virtual + (recipe.batching.mode === "pack" ? capacity : longest));
  const block = 4 * C + (2 * H + 2 * K) * D + H + 3 * F;
  const extra = extraNumbers(config, recipe.adaptation);
  // What the layers give before their biases, which nothing reads on the way back.
  const passing = methodOf(recipe.adaptation, "bias") ? outputsOf(config, biasableNames(config)) : 0;
  const kept = tokens * layers * (recompute ? C : block + extra);
  const logits = 2 * (rows * mostTrained * C + Math.min(rows * mostTrained * V, chunkLogits));
  const step = kept + Math.max(logits, recompute ? tokens * (1.5 * block + extra + passing) : 0);
  const evaluated = Math.min(128, Math.max(recipe.evaluation.rows, recipe.evaluation.finalRows ?? 0));
  const cache =
    2 * evaluated * layers * 2 * K * D * Math.min(config.maxPositions, longest + recipe.evaluation.maxTokens);
  // Themselves and two moments throughout; their gradients, apart and then end to end, when all else is gone.
  return model.weightBytes + 4 * Math.max(3 * trained + Math.max(step, cache), 5 * trained);
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

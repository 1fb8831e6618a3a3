/** @file Supervised fine-tuning: each step imitates a batch of the rows' answers. */

import type { Batch } from "../core/batch";
import { newBatcher } from "../data/batches";
import { trainStep } from "../model/training";
import { countParts, stepWeights } from "../objectives/stepWeights";
import { contextOf } from "./prepareData";
import type { NewTrainer } from "./session";

/**
 * The window's batches with the weights of L = w · L_steps + (1 − w) · L_final: they add up to 1, so that the mean over
 * trained tokens is that sum.
 */
function weighted(batches: readonly Batch[], w: number): Batch[] {
  const counts = batches.map(({ parts }) => countParts(parts ?? new Uint8Array(0)));
  const window = {
    steps: counts.reduce((sum, { steps }) => sum + steps, 0),
    final: counts.reduce((sum, { final }) => sum + final, 0),
  };
  return batches.map((batch) => {
    const weights = stepWeights(batch.parts ?? new Uint8Array(0), window, w);
    return { ...batch, weights, trained: weights.reduce((sum, weight) => sum + weight, 0) };
  });
}

export const newSftTrainer: NewTrainer = ({ stage: { recipe }, model, data, adapter, optimizer, turns }) => {
  const { objective } = recipe;
  const { rows, mode, contextLength, accumulation } = recipe.batching;
  const batcher = newBatcher({
    documents: data.train,
    rows,
    mode,
    contextLength: contextOf(recipe, model.config),
    ...(contextLength > 0 ? { capacity: contextLength } : {}),
    seed: recipe.seed,
  });
  return {
    async *step({ step, ...settings }) {
      const taken = Array.from({ length: accumulation }, (_, i) => batcher.batch((step - 1) * accumulation + i));
      const plain = taken.map(({ batch }) => batch);
      const batches =
        objective.kind === "sft" && objective.stepWeight !== undefined ? weighted(plain, objective.stepWeight) : plain;
      let seconds = 0;
      const report = await turns(async () => {
        const begun = performance.now();
        const done = await trainStep(model.llama, adapter, optimizer, batches, settings);
        seconds = (performance.now() - begun) / 1000;
        return done;
      });
      const tokens = taken.reduce((sum, part) => sum + part.tokens, 0);
      return { ...report, tokens, epoch: taken.at(-1)?.epoch ?? 0, seconds };
    },
  };
};

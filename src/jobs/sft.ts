/** @file Supervised fine-tuning: each step imitates a batch of the rows' answers. */

import { newBatcher } from "../data/batches";
import { trainStep } from "../model/training";
import { contextOf } from "./prepareData";
import type { NewTrainer } from "./session";

export const newSftTrainer: NewTrainer = ({ stage: { recipe }, model, data, adapter, optimizer, turns }) => {
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
      const batches = taken.map(({ batch }) => batch);
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

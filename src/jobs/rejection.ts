/** @file Rejection-sampling fine-tuning (Yuan et al. 2023): the best of what the model writes, imitated at once. */

import { updatePolicy } from "./policyUpdate";
import { newGroups, newRollouts, rolloutFigures } from "./rollouts";
import { type NewTrainer, objectiveOf } from "./session";

export const newRejectionTrainer: NewTrainer = (session) => {
  const objective = objectiveOf(session, "rejection");
  const { completions, keep, threshold, sampling, updates } = objective;
  return {
    async *step(place) {
      const written = yield* newRollouts(session, objective, place.step);
      const { rollouts, scores } = written;
      const isKept = rollouts.map((_, i) => (scores.total[i] ?? Number.NaN) >= threshold);
      const isFlat: boolean[] = [];
      for (let from = 0; from < rollouts.length; from += completions) {
        const group = Array.from({ length: completions }, (_, i) => from + i);
        const totals = group.map((i) => scores.total[i] ?? Number.NaN);
        isFlat.push(new Set(totals).size === 1);
        const best = group[totals.indexOf(Math.max(...totals))];
        if (keep === "best") for (const i of group) isKept[i] &&= i === best;
        // The same words twice teach nothing more than once.
        const seen = new Set<string>();
        for (const i of group) {
          const { text } = rollouts[i] ?? { text: "" };
          if (isKept[i] && seen.has(text)) isKept[i] = false;
          else if (isKept[i]) seen.add(text);
        }
      }
      const update = await updatePolicy(session, place, written, {
        advantages: Float64Array.from(isKept, Number),
        counts: (answer) => isKept[answer] === true,
        // Imitation: with an advantage of 1 and no clipping a step is that of the mean loss of the answers' tokens.
        settings: { loss: "dapo", beta: 0, clipLow: 1, clipHigh: Number.MAX_VALUE },
        maxLength: sampling.maxTokens,
        updates,
      });
      const { tokenizer } = session.model;
      return {
        ...update,
        epoch: written.epoch,
        seconds: written.seconds + update.seconds,
        figures: { ...rolloutFigures(written, isFlat), ...update.figures },
        groups: newGroups(
          written,
          completions,
          (id) => tokenizer.tokenText(id),
          (answer) => ({
            advantages: [Number(isKept[answer] ?? false)],
            change: update.changes[answer] ?? null,
          }),
        ),
      };
    },
  };
};

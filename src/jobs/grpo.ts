/** @file Group relative policy optimisation: each prompt's answers are compared with each other, and the better ones made likelier. */

import { groupAdvantages } from "../objectives/advantages";
import { updatePolicy } from "./policyUpdate";
import { newGroups, newRollouts, rolloutFigures } from "./rollouts";
import { type NewTrainer, objectiveOf } from "./session";

export const newGrpoTrainer: NewTrainer = (session) => {
  const objective = objectiveOf(session, "grpo");
  const { completions, sampling, updates, scaleRewards, skipZeroSpread } = objective;
  return {
    async *step(place) {
      const written = yield* newRollouts(session, objective, place.step);
      const { total } = written.scores;
      const groups = Int32Array.from({ length: objective.prompts + 1 }, (_, group) => group * completions);
      const { advantages, isFlat } = groupAdvantages(total, groups, scaleRewards);
      const update = await updatePolicy(session, place, written, {
        advantages,
        counts: (answer) => !skipZeroSpread || !isFlat[Math.floor(answer / completions)],
        settings: objective,
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
            advantages: [advantages[answer] ?? 0],
            change: update.changes[answer] ?? null,
          }),
        ),
      };
    },
  };
};

/** @file A case of interop/objectiveGoldens.py computed by our objectives: numbers by the names that the case has them under. */

import { generalisedAdvantages, groupAdvantages, rewardFigures, sumRewards, whitened } from "./advantages";
import { type KtoBatch, type KtoSettings, ktoLoss, ktoMetrics, mismatchedDivergence } from "./kto";
import { type PolicyBatch, type PolicySettings, type PolicyWindow, policyLoss, policyMetrics } from "./policy";
import {
  explainedVariance,
  nextKlCoefficient,
  type PpoBatch,
  type PpoSettings,
  ppoLoss,
  ppoMetrics,
  tokenDivergence,
  tokenRewards,
} from "./ppo";
import { type PreferenceBatch, type PreferenceSettings, pairMetrics, preferenceLoss } from "./preference";
import { type RewardModelSettings, type RewardPairs, rewardModelLoss, rewardModelMetrics } from "./rewardModel";

type Inputs = {
  policy: { batch: PolicyBatch; settings: PolicySettings; window: PolicyWindow };
  groups: { columns: (number | null)[][]; weights: number[]; groups: number[]; scale: "group" | "batch" | "none" };
  ppo: { batch: PpoBatch; settings: PpoSettings };
  gae: {
    logProbabilities: number[];
    reference: number[];
    values: number[];
    scores: number[];
    bounds: number[];
    coefficient: number;
    gamma: number;
    lambda: number;
  };
  controller: { coefficient: number; kl: number; answers: number; target: number; horizon: number };
  preference: { batch: PreferenceBatch; settings: PreferenceSettings };
  kto: {
    batch: Omit<KtoBatch, "divergence">;
    mismatched: { logProbabilities: number[]; reference: number[] };
    settings: KtoSettings;
  };
  rewardModel: { pairs: RewardPairs; settings: RewardModelSettings };
};

type Kind = keyof Inputs;
export type ObjectiveCase = { [K in Kind]: { kind: K; name: string; input: Inputs[K] } }[Kind] & {
  expected: Record<string, number | number[]>;
};

const compute: { [K in Kind]: (input: Inputs[K]) => Record<string, ArrayLike<number> | number | null | undefined> } = {
  policy({ batch, settings, window }) {
    const { loss, gradient, figures } = policyLoss(batch, settings, window);
    return { loss, gradient, ...policyMetrics(figures) };
  },
  groups({ columns, weights, groups, scale }) {
    const rewards = sumRewards(columns, weights);
    const { advantages, isFlat } = groupAdvantages(rewards, groups, scale);
    const names = columns.map((_, k) => `${k}`);
    return { advantages, ...rewardFigures(names, columns, rewards, isFlat) };
  },
  ppo({ batch, settings }) {
    const { loss, gradients, figures } = ppoLoss(batch, settings, { tokens: batch.logProbabilities.length });
    const variance = explainedVariance(batch.oldValues, batch.returns);
    return { loss, ...gradients, ...ppoMetrics(figures), variance };
  },
  gae({ logProbabilities, reference, values, scores, bounds, coefficient, ...settings }) {
    const rewards = tokenRewards(scores, tokenDivergence("k1", logProbabilities, reference), bounds, coefficient);
    const { advantages, returns } = generalisedAdvantages(rewards, values, bounds, settings);
    const k3 = tokenDivergence("k3", logProbabilities, reference);
    const rest = { white: whitened(advantages), shifted: whitened(rewards, { keepMean: true }) };
    return { rewards, advantages, returns, k2: tokenDivergence("k2", logProbabilities, reference), k3, ...rest };
  },
  controller: ({ coefficient, kl, answers, ...settings }) => ({
    coefficient: nextKlCoefficient(coefficient, kl, answers, settings),
  }),
  preference({ batch, settings }) {
    const { loss, gradient, figures } = preferenceLoss(batch, settings, { pairs: batch.lengths.length / 2 });
    return { loss, gradient, ...pairMetrics(figures) };
  },
  kto({ batch, mismatched, settings }) {
    const divergence = mismatchedDivergence(mismatched.logProbabilities, mismatched.reference);
    const window = { answers: batch.isDesirable.length };
    const { loss, gradient, figures } = ktoLoss({ ...batch, divergence }, settings, window);
    return { loss, gradient, divergence, ...ktoMetrics(figures) };
  },
  rewardModel({ pairs, settings }) {
    const { loss, gradient, figures } = rewardModelLoss(pairs, settings, { pairs: pairs.judged.length });
    return { loss, gradient, ...rewardModelMetrics(figures, ["a", "b", "c"]) };
  },
};

/** ‖ours − theirs‖ / ‖theirs‖ of each number or list that the case expects; NaN where ours is missing. */
export function caseErrors(each: ObjectiveCase): Record<string, number> {
  const ours = compute[each.kind](each.input as never);
  const listOf = (value: ArrayLike<number> | number | null | undefined) =>
    Array.from(typeof value === "number" ? [value] : (value ?? []));
  return Object.fromEntries(
    Object.entries(each.expected).map(([name, expected]) => {
      const [mine, theirs] = [listOf(ours[name]), listOf(expected)];
      if (mine.length !== theirs.length) return [name, Number.NaN];
      const away = Math.hypot(...mine.map((value, i) => value - (theirs[i] ?? Number.NaN)));
      return [name, away === 0 ? 0 : away / Math.hypot(...theirs)];
    }),
  );
}

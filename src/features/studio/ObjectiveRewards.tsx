/** @file The rewards of the recipe's objective, with the reward models that fit its model and what its newest run has written. */

import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { methodOf } from "../../core/adaptation";
import type { AdapterRecord } from "../../core/adapterRecord";
import { isPolicy, type Objective } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import type { Reward, WrittenAnswer } from "../../core/reward";
import type { Run } from "../../core/run";
import { loadAdapters, useAdapters } from "../../state/adapters";
import { useRuns } from "../../state/runs";
import { useSeries } from "../../state/series";
import { changeRecipe, useStudio } from "../../state/studio";
import type { RewardModel } from "./RewardEntry";
import { RewardList } from "./RewardList";

/** Answers of a run that are shown beside those made of the data. */
const shownAnswers = 3;
const none: readonly never[] = [];

/** Runs and adapters of this base that read rewards out. */
function listRewardModels(runs: readonly Run[], adapters: readonly AdapterRecord[], model: string): RewardModel[] {
  const trained = runs.flatMap(({ id, name, checkpoint, recipe }) =>
    recipe.objective.kind === "reward" && recipe.model === model && checkpoint > 0
      ? [{ id, label: name, dimensions: recipe.objective.dimensions.map((dimension) => dimension.name) }]
      : [],
  );
  const kept = adapters.flatMap(({ id, name, adaptation, dimensions, ...adapter }) => {
    const head = methodOf(adaptation, "head");
    if (!head || adapter.model !== model) return [];
    const names = dimensions?.map((dimension) => dimension.name);
    return [{ id, label: name, dimensions: names ?? Array.from({ length: head.outputs }, (_, i) => `${i + 1}`) }];
  });
  return [...trained, ...kept];
}

/** What the newest run on this model and these rows wrote last. */
function useWritten({ model, data, template }: Recipe): readonly WrittenAnswer[] {
  const run = useRuns((state) => {
    if (state.status !== "ready") return undefined;
    return state.runs.find(
      ({ recipe, after }) =>
        after !== null &&
        recipe.model === model &&
        recipe.data.source === data.source &&
        recipe.template.prompt === template.prompt,
    )?.id;
  });
  const { samples } = useSeries(run ?? "run:none");
  return useMemo(() => {
    const last = samples.at(-1)?.step;
    const newest = samples.filter(({ step }) => step === last).slice(0, shownAnswers);
    return newest.length === 0
      ? none
      : newest.map(({ prompt, reference, completion }) => ({ prompt, reference, completion }));
  }, [samples]);
}

function setRewards(rewards: Reward[]) {
  changeRecipe((draft) => {
    const { objective } = draft;
    if (isPolicy(objective)) return { ...draft, objective: { ...objective, rewards } };
    if (objective.kind !== "dpo" || !objective.sampled) return draft;
    return { ...draft, objective: { ...objective, sampled: { ...objective.sampled, rewards } } };
  });
}

export default function ObjectiveRewards({ objective, rewards }: { objective: Objective; rewards: readonly Reward[] }) {
  const { t } = useTranslation();
  const recipe = useStudio((state) => state.recipe);
  const runs = useRuns((state) => (state.status === "ready" ? state.runs : none));
  const adapters = useAdapters((state) => (state.status === "ready" ? state.adapters : none));
  useEffect(() => void loadAdapters(), []);
  const models = useMemo(() => listRewardModels(runs, adapters, recipe.model), [runs, adapters, recipe.model]);
  const written = useWritten(recipe);
  return (
    <section aria-label={t("rewards.title")} className="min-w-0">
      <h3 className="mb-1 text-sm font-semibold">{t("rewards.title")}</h3>
      <RewardList
        rewards={rewards}
        onChange={setRewards}
        path={isPolicy(objective) ? "objective.rewards" : "objective.sampled.rewards"}
        models={models}
        written={written}
      />
    </section>
  );
}

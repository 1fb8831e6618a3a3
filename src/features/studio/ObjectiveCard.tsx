/** @file What the run learns from: its objective, why, the settings worth changing first, and rewards where it has any. */

import { lazy, Suspense, useId } from "react";
import { useTranslation } from "react-i18next";
import { type Objective, type ObjectiveKind, rewardsOf } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import type { TermName } from "../../ui/Term";
import { ObjectiveFields } from "./ObjectiveFields";
import { ObjectiveTiles } from "./ObjectiveTiles";
import { useMapping } from "./objectiveChoices";
import { StartLine } from "./StartLine";

const ObjectiveRewards = lazy(() => import("./ObjectiveRewards"));

const termOf = {
  sft: "sft",
  dpo: "dpo",
  kto: "kto",
  reward: "rewardModel",
  grpo: "grpo",
  ppo: "ppo",
  rejection: "rejection",
} as const satisfies Record<ObjectiveKind, TermName>;

export default function ObjectiveCard({ draft }: { draft: Recipe }) {
  const { t } = useTranslation();
  const id = useId();
  const mapping = useMapping(draft.data.source);
  const { objective } = draft;
  const rewards = rewardsOf(objective);
  return (
    <section aria-labelledby={id} className="flex min-w-0 flex-col gap-3 rounded-lg border border-line bg-surface p-4">
      <h2 id={id} className="text-base">
        {t("studio.objective.title")}
      </h2>
      <ObjectiveTiles objective={objective} mapping={mapping} labelledBy={id} />
      <Why objective={objective} />
      {draft.start !== undefined && <StartLine draft={draft} start={draft.start} />}
      {objective.kind !== "sft" && (
        <div className={rewards ? "grid min-w-0 gap-x-8 gap-y-4 xl:grid-cols-[1fr_3fr]" : ""}>
          <div className="flex min-w-0 flex-col gap-2">
            <ObjectiveFields draft={draft} />
            <p className="text-xs text-faint">{t("studio.objective.more")}</p>
          </div>
          {rewards && (
            <Suspense>
              <ObjectiveRewards objective={objective} rewards={rewards} />
            </Suspense>
          )}
        </div>
      )}
    </section>
  );
}

function Why({ objective }: { objective: Objective }) {
  const { t } = useTranslation();
  const term = termOf[objective.kind];
  const isOwn = objective.kind === "dpo" && objective.sampled !== undefined;
  return (
    <p className="text-sm text-muted">
      {t(`terms.${term}.why`)}
      {isOwn && ` ${t("studio.objective.dpoOwn")}`}
      <code className="mt-0.5 block font-mono text-xs text-faint">{t(`terms.${term}.formula`)}</code>
    </p>
  );
}

/** @file The third step: what is trained, and how much of the model that is. */

import { useTranslation } from "react-i18next";
import { methodOf, newMethod } from "../../core/adaptation";
import type { Recipe } from "../../core/recipe";
import { modelOf, useModels } from "../../state/models";
import { usePlan } from "../../state/plan";
import { formatCompact, formatShare } from "../../ui/formatQuantity";
import { Select } from "../../ui/Select";
import { Term } from "../../ui/Term";
import { changeMethod } from "./changeMethod";
import { MethodPicture } from "./MethodPicture";
import { StepCard } from "./StepCard";

const ranks = [2, 4, 8, 16, 32, 64];

export function MethodCard({ recipe, draft }: { recipe: Recipe; draft: Recipe }) {
  const { t } = useTranslation();
  const models = useModels();
  const { value: plan } = usePlan();
  const facts = models.status === "ready" ? modelOf(recipe.model, models.models)?.facts : undefined;
  const { rank, alpha, targetModules } = methodOf(draft.adaptation, "lora") ?? newMethod("lora");
  const offered = ranks.includes(rank) ? ranks : [...ranks, rank].sort((a, b) => a - b);
  return (
    <StepCard
      number={3}
      title={t("studio.method.title")}
      aside={
        <span className="text-xs text-muted">
          <Term name="lora" />
        </span>
      }
      controls={
        <Select
          term="rank"
          hideLabel
          value={String(rank)}
          options={offered.map((each) => ({ id: String(each), label: t("studio.method.rank", { rank: each }) }))}
          // Alpha keeps its proportion, so that a change of rank alone leaves the strength as it is.
          onChange={(value) => changeMethod("lora", { rank: Number(value), alpha: (alpha / rank) * Number(value) })}
        />
      }
      line={
        plan &&
        t("studio.method.line", {
          trained: formatCompact(plan.trainedParameters),
          all: formatCompact(plan.parameters),
          share: formatShare(plan.trainedParameters / plan.parameters, 1),
        })
      }
    >
      {facts && (
        <MethodPicture
          config={facts.config}
          rank={rank}
          targetModules={targetModules}
          onChange={(targetModules) => changeMethod("lora", { targetModules })}
        />
      )}
    </StepCard>
  );
}

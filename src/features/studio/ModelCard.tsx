/** @file The first step: which model is taught. */

import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Recipe } from "../../core/recipe";
import { modelName, modelOf, useModels } from "../../state/models";
import { changeRecipe } from "../../state/studio";
import { formatCompact } from "../../ui/formatQuantity";
import { ModelPicture } from "../../ui/ModelPicture";
import { Select } from "../../ui/Select";
import { StepCard } from "./StepCard";

export function ModelCard({ recipe }: { recipe: Recipe }) {
  const { t } = useTranslation();
  const state = useModels();
  const models = state.status === "ready" ? state.models : [];
  const model = modelOf(recipe.model, models);
  return (
    <StepCard
      number={1}
      title={t("studio.model.title")}
      aside={
        <Link href="/models" className="text-xs text-muted underline-offset-2 hover:text-ink hover:underline">
          {t("studio.model.more")}
        </Link>
      }
      controls={
        <Select
          term="model"
          hideLabel
          value={recipe.model}
          isDisabled={models.length === 0}
          options={models.map((each) => ({
            id: modelName(each.id),
            label: each.name,
            description: t("studio.model.line", { parameters: formatCompact(each.parameters) }),
          }))}
          onChange={(name) => changeRecipe((draft) => ({ ...draft, model: name }))}
        />
      }
      line={
        model &&
        [
          t("studio.model.line", { parameters: formatCompact(model.parameters) }),
          t("studio.model.shape", { count: model.config.layers, width: model.config.hiddenSize }),
          t("studio.model.heads", { heads: model.config.heads, shared: model.config.keyValueHeads }),
        ].join(" · ")
      }
    >
      {model && <ModelPicture config={model.config} />}
    </StepCard>
  );
}

/** @file The first step: which model is taught. */

import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Recipe } from "../../core/recipe";
import { chooseModel, modelName, modelOf, useModels } from "../../state/models";
import { formatCompact } from "../../ui/formatQuantity";
import { ModelPicture } from "../../ui/ModelPicture";
import { Select } from "../../ui/Select";
import { StepCard } from "./StepCard";

export function ModelCard({ recipe }: { recipe: Recipe }) {
  const { t } = useTranslation();
  const state = useModels();
  const models = state.status === "ready" ? state.models : [];
  const facts = modelOf(recipe.model, models)?.facts;
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
          options={models.flatMap(({ id, name, facts: each }) =>
            each
              ? {
                  id: modelName(id),
                  label: name,
                  description: t("studio.model.line", { parameters: formatCompact(each.parameters) }),
                }
              : [],
          )}
          onChange={(name) => {
            const chosen = modelOf(name, models);
            if (chosen) chooseModel(chosen);
          }}
        />
      }
      line={
        facts &&
        [
          t("studio.model.line", { parameters: formatCompact(facts.parameters) }),
          t("studio.model.shape", { count: facts.config.layers, width: facts.config.hiddenSize }),
          t("studio.model.heads", { heads: facts.config.heads, shared: facts.config.keyValueHeads }),
        ].join(" · ")
      }
    >
      {facts && <ModelPicture config={facts.config} />}
    </StepCard>
  );
}

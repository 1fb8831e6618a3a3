/** @file What can be done with the recipe as a whole: open, save, link, begin with a quickstart. */

import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { quickstartNames, quickstarts } from "../../core/recipe";
import { recipeThenRewards } from "../../core/recipeForObjective";
import { modelOf, useModels } from "../../state/models";
import { parseRecipeLink, writeRecipeLink } from "../../state/recipeLink";
import { showMessage } from "../../state/shell";
import { changeRecipe, isDefault, openRecipe, resetRecipe, useStudio } from "../../state/studio";
import { Button } from "../../ui/Button";
import { explainError } from "../../ui/explainError";
import { Icon } from "../../ui/Icon";
import { Menu } from "../../ui/Menu";
import { pickFile } from "../../ui/pickFile";
import { saveFile } from "../../ui/saveFile";

export function RecipeMenu() {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const { recipe, problem } = useStudio();
  const isReset = useStudio(isDefault);
  const models = useModels();
  const parameters = models.status === "ready" ? modelOf(recipe.model, models.models)?.facts?.parameters : undefined;

  const open = async (file: File) => {
    try {
      const text = await file.text();
      openRecipe((await parseRecipeLink(text.trim())) ?? JSON.parse(text));
      showMessage({ tone: "good", title: t("studio.recipe.opened"), detail: file.name });
    } catch (error) {
      const { title, detail } = explainError(t, error);
      showMessage({ tone: "bad", title: t("studio.recipe.openFailed"), detail: detail || title });
    }
  };
  const copyLink = async () => {
    const link = new URL(await writeRecipeLink(recipe), location.href.split("#")[0]);
    await navigator.clipboard.writeText(link.href);
    showMessage({ tone: "good", title: t("studio.recipe.linkCopied"), detail: t("studio.recipe.linkCopiedDetail") });
  };
  return (
    <Menu
      label={t("studio.recipe.menu")}
      actions={[
        {
          id: "open",
          label: t("studio.recipe.open"),
          icon: "file",
          onAction: () => pickFile(".json,application/json", (file) => void open(file)),
        },
        {
          id: "save",
          label: t("studio.recipe.save"),
          icon: "download",
          isDisabled: problem !== null,
          onAction: () =>
            saveFile(`${recipe.name}.recipe.json`, `${JSON.stringify(recipe, null, 2)}\n`, "application/json"),
        },
        {
          id: "link",
          label: t("studio.recipe.link"),
          icon: "link",
          isDisabled: problem !== null,
          onAction: () => void copyLink(),
        },
        {
          id: "compare",
          label: t("studio.recipe.compare"),
          description: t("studio.recipe.compareWhy"),
          icon: "runs",
          isDisabled: problem !== null,
          onAction: () => navigate("/compare/new"),
        },
        {
          id: "quickstart",
          label: t("studio.recipe.quickstart"),
          description: t("studio.recipe.quickstartWhy"),
          icon: "reset",
          isDisabled: isReset,
          onAction: resetRecipe,
        },
        ...(parameters !== undefined && recipe.model !== "embedded"
          ? [
              {
                id: "sft-grpo",
                label: t("studio.recipe.thenRewards"),
                description: t("studio.recipe.thenRewardsWhy"),
                icon: "reset" as const,
                onAction: () => changeRecipe((draft) => recipeThenRewards(draft, parameters)),
              },
            ]
          : []),
        ...quickstartNames
          .filter((name) => name !== "quickstart")
          .map((name) => ({
            id: name,
            label: t(`studio.recipe.begin.${name}`),
            description: t(`studio.recipe.beginWhy.${name}`),
            icon: "reset" as const,
            onAction: () => openRecipe(quickstarts[name]()),
          })),
      ]}
    >
      <Button>
        {t("studio.recipe.menu")}
        <Icon name="down" size={14} className="-mr-1 text-faint" />
      </Button>
    </Menu>
  );
}

/** @file Every field of the recipe, as a form or as JSON, both in step. */

import { useTranslation } from "react-i18next";
import { changeText, useStudio } from "../../state/studio";
import { Tabs } from "../../ui/Tabs";
import { TextArea } from "../../ui/TextField";
import { translate } from "../../ui/words/translate";
import { RecipeForm } from "./RecipeForm";

export default function Advanced() {
  const { t } = useTranslation();
  return (
    <Tabs
      label={t("studio.advanced.view")}
      className="border-t border-line px-4 pt-1 pb-4"
      tabs={[
        { id: "form", label: t("studio.advanced.form"), content: <RecipeForm /> },
        { id: "json", label: t("studio.advanced.json"), content: <RecipeText /> },
      ]}
    />
  );
}

function RecipeText() {
  const { t } = useTranslation();
  const { text, problem } = useStudio();
  return (
    <TextArea
      label={t("studio.advanced.jsonLabel")}
      hideLabel
      mono
      rows={Math.min(60, text.split("\n").length + 1)}
      value={text}
      onChange={changeText}
      error={problem ? t("studio.notValid", { ...problem, message: translate(t, problem.message) }) : undefined}
    />
  );
}

/** @file What the looks of a row's tokens stand for. */

import { useTranslation } from "react-i18next";
import { rowsOf } from "../core/objective";
import type { Recipe } from "../core/recipe";
import { Legend } from "./Legend";
import { Term } from "./Term";

/** What becomes of a row's own answer: where the model learns from its own, it may be imitated first or never. */
export type AnswerUse = "trained" | "compared" | "imitated";

export const answerUse = ({ objective, sftFirst }: Pick<Recipe, "objective" | "sftFirst">): AnswerUse =>
  rowsOf(objective) !== "prompts" ? "trained" : sftFirst ? "imitated" : "compared";

/** With `hasMarks` there are tokens that carry logic, or might be. */
export function TokenLegend({ hasMarks, use }: { hasMarks: boolean; use: AnswerUse }) {
  const { t } = useTranslation();
  return (
    <>
      <Legend className="bg-accent/40">
        {use === "trained" ? <Term name="mask">{t("studio.data.trained")}</Term> : t(`studio.data.${use}`)}
      </Legend>
      <Legend className="bg-series-8/30">{t("studio.data.masked")}</Legend>
      {hasMarks && <MarkLegend />}
    </>
  );
}

export function MarkLegend() {
  const { t } = useTranslation();
  return (
    <Legend className="border-b-2 border-series-3">
      <Term name="logicMask">{t("studio.carriesLogic")}</Term>
    </Legend>
  );
}

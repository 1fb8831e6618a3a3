/** @file What the looks of a row's tokens stand for. */

import { useTranslation } from "react-i18next";
import { Legend } from "./Legend";
import { Term } from "./Term";

/** With `hasMarks` there are tokens that carry logic, or might be. */
export function TokenLegend({ hasMarks }: { hasMarks: boolean }) {
  const { t } = useTranslation();
  return (
    <>
      <Legend className="bg-accent/40">
        <Term name="mask">{t("studio.data.trained")}</Term>
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
      <Term name="logicMask">{t("datasets.carriesLogic")}</Term>
    </Legend>
  );
}

/** @file What the colours of a solution's parts stand for, and what each part counts. */

import { useTranslation } from "react-i18next";
import { Legend } from "./Legend";

/** @param weight the steps' share of the loss; null where the parts are not weighed */
export function PartLegend({ weight }: { weight: number | null }) {
  const { t } = useTranslation();
  const format = (share: number) => String(Number(share.toFixed(3)));
  return (
    <>
      <Legend className="bg-series-6/60">
        {weight === null ? t("solution.steps") : t("solution.stepsWeighed", { weight: format(weight) })}
      </Legend>
      <Legend className="bg-accent/40">
        {weight === null ? t("solution.final") : t("solution.finalWeighed", { weight: format(1 - weight) })}
      </Legend>
    </>
  );
}

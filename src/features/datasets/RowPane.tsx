/** @file The chosen row as the model will see it: learnt tokens tinted, read ones grey, what is too long struck. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { Dataset } from "../../core/dataset";
import { sourceOf } from "../../state/datasets";
import { useEngine } from "../../state/engine";
import { loadPreview, usePreview } from "../../state/plan";
import { useStudio } from "../../state/studio";
import { Badge } from "../../ui/Badge";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatCount } from "../../ui/formatQuantity";
import { Legend } from "../../ui/Legend";
import { Term } from "../../ui/Term";
import { TokenText } from "../../ui/TokenText";

export function RowPane({ dataset, row }: { dataset: Dataset; row: number }) {
  const { t } = useTranslation();
  const engine = useEngine();
  const recipe = useStudio((state) => state.recipe);
  const state = usePreview();
  const isReady = engine.status === "ready";
  useEffect(() => {
    if (isReady) loadPreview({ ...recipe, data: { ...recipe.data, source: sourceOf(dataset.id) } }, row);
  }, [isReady, recipe, dataset.id, row]);
  const shown = state.value?.row === row && state.value.source === sourceOf(dataset.id) ? state.value.preview : null;
  return (
    <section
      aria-label={t("datasets.asTokens", { row: formatCount(row + 1) })}
      className="flex min-h-0 shrink-0 flex-col gap-2 border-line p-4 max-lg:h-72 max-lg:border-t lg:w-96 lg:border-l"
    >
      <header className="flex flex-wrap items-center gap-2">
        <h3 className="text-sm">{t("datasets.row", { row: formatCount(row + 1) })}</h3>
        {shown && (
          <span className="text-xs text-muted">
            {t("datasets.tokens", { count: shown.tokens.length })}
            {" · "}
            {t("datasets.learnt", { count: shown.tokens.filter(({ trained }) => trained).length })}
          </span>
        )}
        {shown?.tooLong && <Badge tone="warn">{t("datasets.tooLong", { length: shown.context })}</Badge>}
      </header>
      {engine.status === "failed" && <ErrorNotice error={engine.error} />}
      {state.status === "failed" && <ErrorNotice error={state.error} />}
      {shown ? (
        <TokenText
          label={t("datasets.asTokens", { row: formatCount(row + 1) })}
          tokens={shown.tokens}
          limit={shown.context}
          className="min-h-0 flex-1"
        />
      ) : (
        <p className="flex-1 text-xs text-faint">
          {!isReady && engine.status !== "failed" && t("datasets.waitingTokens")}
        </p>
      )}
      <footer className="flex flex-col gap-1 border-t border-line pt-2 text-xs text-faint">
        <span className="flex gap-3">
          <Legend className="bg-accent/40">
            <Term name="mask">{t("studio.data.trained")}</Term>
          </Legend>
          <Legend className="bg-series-8/30">{t("studio.data.masked")}</Legend>
        </span>
        {t("datasets.template", { length })}
      </footer>
    </section>
  );
}

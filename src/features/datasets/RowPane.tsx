/** @file The chosen row as the model will see it: what is learnt, what is read, what is too long, what carries logic, where its answer begins. */

import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Dataset } from "../../core/dataset";
import { embeddedDataset } from "../../core/ids";
import { markFinal, sourceOf } from "../../state/datasets";
import { useEngine } from "../../state/engine";
import { loadPreview, usePreview } from "../../state/plan";
import { showMessage } from "../../state/shell";
import { useStudio } from "../../state/studio";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { explainError } from "../../ui/explainError";
import { formatCount } from "../../ui/formatQuantity";
import { PartLegend } from "../../ui/PartLegend";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { Term } from "../../ui/Term";
import { answerUse, TokenLegend } from "../../ui/TokenLegend";
import { TokenText } from "../../ui/TokenText";
import { isJudged, JudgedRow } from "./JudgedRow";
import { type LogicMask, logicMasks, withMask } from "./logicMasks";
import { SolutionTokens } from "./SolutionTokens";

export function RowPane({ dataset, row }: { dataset: Dataset; row: number }) {
  const { t } = useTranslation();
  const engine = useEngine();
  const recipe = useStudio((state) => state.recipe);
  const state = usePreview();
  const isReady = engine.status === "ready";
  const masks = logicMasks(recipe);
  const [chosen, setChosen] = useState<LogicMask | null>(null);
  const mask = masks.find((each) => each === chosen) ?? masks[0] ?? "off";
  const weight = recipe.objective.kind === "sft" ? recipe.objective.stepWeight : undefined;
  const [hasParts, setHasParts] = useState(weight !== undefined);
  const asked = useMemo(() => {
    const masked = withMask(recipe, mask);
    return { ...masked, data: { ...masked.data, source: sourceOf(dataset.id) } };
  }, [recipe, mask, dataset.id]);
  useEffect(() => {
    if (isReady) loadPreview(asked, row);
  }, [isReady, asked, row]);
  const shown = state.value?.row === row && state.value.source === sourceOf(dataset.id) ? state.value.preview : null;
  const example = shown?.example;
  const canMark = dataset.id !== embeddedDataset;
  const isByHand = example?.finalStart !== undefined;
  const mark = async (token: number | null): Promise<boolean> => {
    try {
      await markFinal(asked, row, token);
      return true;
    } catch (error) {
      const { title, detail } = explainError(t, error);
      showMessage({ tone: "bad", title: t("solution.failed"), detail: detail || title });
      return false;
    }
  };
  const { format } = dataset.mapping;
  const use = answerUse(recipe);
  const size = format === "preference" || format === "unpaired" ? "max-lg:h-144 lg:w-[36rem]" : "max-lg:h-72 lg:w-96";
  return (
    <section
      aria-label={t("datasets.asTokens", { row: formatCount(row + 1) })}
      className={`flex min-h-0 shrink-0 flex-col gap-2 border-line p-4 max-lg:border-t lg:border-l ${size}`}
    >
      <header className="flex flex-wrap items-center gap-2">
        <h3 className="text-sm">{t("datasets.row", { row: formatCount(row + 1) })}</h3>
        {shown && (
          <span className="text-xs text-muted">
            {t("datasets.tokens", { count: shown.tokens.length })}
            {" · "}
            {t(use === "compared" ? "datasets.compared" : "datasets.learnt", {
              count: shown.tokens.filter(({ trained }) => trained).length,
            })}
            {mask !== "off" && (
              <>
                {" · "}
                {t("datasets.marked", { count: shown.tokens.filter(({ marked }) => marked).length })}
              </>
            )}
          </span>
        )}
        {shown?.tooLong && <Badge tone="warn">{t("datasets.tooLong", { length: shown.context })}</Badge>}
      </header>
      {engine.status === "failed" && <ErrorNotice error={engine.error} />}
      {state.status === "failed" && <ErrorNotice error={state.error} />}
      {example && isJudged(example) && <JudgedRow example={example} row={row} />}
      {example?.rejected !== undefined && <p className="text-xs text-faint">{t("datasets.chosenTokens")}</p>}
      {shown && hasParts && canMark ? (
        <SolutionTokens
          label={t("datasets.asTokens", { row: formatCount(row + 1) })}
          tokens={shown.tokens}
          limit={shown.context}
          onMark={(token) => mark(token)}
        />
      ) : shown ? (
        <TokenText
          label={t("datasets.asTokens", { row: formatCount(row + 1) })}
          tokens={shown.tokens}
          limit={shown.context}
          hasParts={hasParts}
          className="min-h-0 flex-1"
        />
      ) : (
        <p className="flex-1 text-xs text-faint">
          {!isReady && engine.status !== "failed" && t("datasets.waitingTokens")}
        </p>
      )}
      <footer className="flex flex-col gap-1 border-t border-line pt-2 text-xs text-faint">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Term name="logicMask" />
          <Select
            label={t("terms.logicMask.word")}
            hideLabel
            className="w-36"
            value={mask}
            options={masks.map((id) => ({ id, label: t(`datasets.logicMask.${id}`) }))}
            onChange={setChosen}
          />
        </div>
        <Switch value={hasParts} onChange={setHasParts}>
          {t("solution.show")}
        </Switch>
        <span className="flex flex-wrap gap-x-3">
          {hasParts && <PartLegend weight={weight ?? null} />}
          <TokenLegend hasMarks={mask !== "off"} use={use} />
        </span>
        {hasParts && (
          <span className="flex flex-wrap items-center gap-x-2">
            {t(canMark ? (isByHand ? "solution.byHand" : "solution.byText") : "solution.embedded")}
            {canMark && isByHand && (
              <Button size="sm" variant="quiet" onPress={() => void mark(null)}>
                {t("solution.back")}
              </Button>
            )}
          </span>
        )}
        {shown && t("datasets.template", { length: shown.context })}
      </footer>
    </section>
  );
}

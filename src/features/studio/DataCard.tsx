/** @file The second step: which rows are learnt from, one of them shown token by token with its masks. */

import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { Recipe } from "../../core/recipe";
import { datasetOf, sourceOf, useDatasets } from "../../state/datasets";
import { inspectFile } from "../../state/imports";
import { loadPreview, usePlan, usePreview } from "../../state/plan";
import { Badge } from "../../ui/Badge";
import { Button, IconButton } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatCount } from "../../ui/formatQuantity";
import { datasetFiles, pickFile } from "../../ui/pickFile";
import { Select } from "../../ui/Select";
import { answerUse, TokenLegend } from "../../ui/TokenLegend";
import { TokenText } from "../../ui/TokenText";
import { loadMoreWords } from "../../ui/words/i18n";
import { changeSection } from "./changeSection";
import { StepCard } from "./StepCard";

const PartLegend = lazy(async () => {
  const [{ PartLegend: loaded }] = await Promise.all([import("../../ui/PartLegend"), loadMoreWords()]);
  return { default: loaded };
});

export function DataCard({ recipe }: { recipe: Recipe }) {
  const { t } = useTranslation();
  const state = useDatasets();
  const { value: plan, status: planStatus } = usePlan();
  const isCounting = planStatus === "waiting";
  const [, navigate] = useLocation();
  const bring = () =>
    pickFile(datasetFiles, (file) => {
      navigate("/datasets");
      void inspectFile(file);
    });
  const datasets = state.status === "ready" ? state.datasets : [];
  const dataset = datasetOf(recipe.data.source, datasets);
  return (
    <StepCard
      number={2}
      title={t("studio.data.title")}
      aside={
        <Button size="sm" variant="quiet" className="-mr-2" onPress={bring}>
          {t("studio.data.bring")}
        </Button>
      }
      controls={
        <Select
          label={t("studio.data.choose")}
          hideLabel
          value={recipe.data.source}
          isDisabled={datasets.length === 0}
          options={datasets.map((each) => ({
            id: sourceOf(each.id),
            label: each.name,
            description: t("studio.data.rows", { count: each.rows }),
          }))}
          onChange={(source) => changeSection("data", { source })}
        />
      }
      line={
        state.status === "ready" && !dataset ? (
          <span className="text-bad">{t("studio.data.missing")}</span>
        ) : plan ? (
          <>
            {t("studio.data.line", { train: formatCount(plan.rows), held: formatCount(plan.evaluationRows) })}
            {" · "}
            {t("studio.data.lengths", { mean: Math.round(plan.meanTokens), longest: formatCount(plan.longest) })}
          </>
        ) : (
          isCounting && <span className="text-faint">{t("studio.counting")}</span>
        )
      }
    >
      {plan && plan.tooLong > 0 && (
        <p role="status" className="mb-2 rounded-md bg-warn-soft px-2 py-1 text-xs text-warn">
          {t("studio.data.tooLong", {
            count: plan.tooLong,
            length: plan.context,
            longest: formatCount(plan.longest),
          })}
        </p>
      )}
      {dataset && <RowPreview recipe={recipe} rows={dataset.rows} />}
    </StepCard>
  );
}

function RowPreview({ recipe, rows }: { recipe: Recipe; rows: number }) {
  const { t } = useTranslation();
  const state = usePreview();
  const shown = state.value;
  const weight = recipe.objective.kind === "sft" ? recipe.objective.stepWeight : undefined;
  const row = shown?.row ?? 0;
  const step = (by: number) => loadPreview(recipe, Math.min(rows - 1, Math.max(0, row + by)));
  return (
    <figure className="flex flex-col gap-1.5">
      {state.status === "failed" ? (
        <ErrorNotice error={state.error} />
      ) : (
        <TokenText
          label={t("studio.data.row", { row: formatCount(row + 1) })}
          tokens={shown?.preview.tokens ?? []}
          limit={shown?.preview.context ?? Number.POSITIVE_INFINITY}
          hasParts={weight !== undefined}
          className="h-52"
        />
      )}
      <figcaption className="flex flex-wrap items-center gap-x-3 text-xs text-faint">
        {weight !== undefined && (
          <Suspense>
            <PartLegend weight={weight} />
          </Suspense>
        )}
        <TokenLegend
          hasMarks={shown?.preview.tokens.some(({ marked }) => marked !== undefined) ?? false}
          use={answerUse(recipe)}
        />
        {shown?.preview.tooLong && <Badge tone="warn">{t("studio.data.rowTooLong")}</Badge>}
        <span className="ml-auto flex items-center gap-2">
          <IconButton
            size="sm"
            icon="left"
            label={t("studio.data.previousRow")}
            isDisabled={row === 0}
            onPress={() => step(-1)}
          />
          <span className="font-mono">{formatCount(row + 1)}</span>
          <IconButton
            size="sm"
            icon="right"
            label={t("studio.data.nextRow")}
            isDisabled={row >= rows - 1}
            onPress={() => step(1)}
          />
        </span>
      </figcaption>
    </figure>
  );
}

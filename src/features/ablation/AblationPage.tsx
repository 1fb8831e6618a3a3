/** @file One comparison: how far its runs are, its table and chart, every run by variant and seed. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "wouter";
import type { Ablation, AblationId } from "../../core/ablation";
import { dismissAblationFailure, loadAblations, useAblations } from "../../state/ablations";
import { useAblationTable, useQueueView, useRunsOf } from "../../state/ablationsTable";
import { loadRuns } from "../../state/runs";
import { Button } from "../../ui/Button";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { Page } from "../../ui/Page";
import { ProgressBar } from "../../ui/ProgressBar";
import { AblationActions } from "./AblationActions";
import { AblationCells } from "./AblationCells";
import { AblationCharts } from "./AblationCharts";
import { AblationResults } from "./AblationResults";
import { AblationStanding } from "./AblationStanding";
import { QueueBadge } from "./QueueBadge";

export default function AblationPage() {
  const { t } = useTranslation();
  const id = useParams<{ id: AblationId }>().id;
  const state = useAblations();
  useEffect(() => {
    void loadRuns();
    void loadAblations();
  }, []);
  if (state.status === "failed") {
    return (
      <Page title={t("ablation.title")}>
        <ErrorNotice error={state.error} />
      </Page>
    );
  }
  if (state.status === "loading") {
    return (
      <Page title={t("ablation.title")}>
        <ProgressBar label={t("common.loading")} className="mx-auto max-w-60 pt-24" />
      </Page>
    );
  }
  const ablation = state.ablations.find((one) => one.id === id);
  if (!ablation) {
    return (
      <Page title={t("ablation.missing")} fill>
        <EmptyState
          icon="runs"
          title={t("ablation.missing")}
          action={
            <Link href="/compare" className="text-accent-ink underline">
              {t("ablation.all")}
            </Link>
          }
        >
          {t("ablation.missingHint")}
        </EmptyState>
      </Page>
    );
  }
  return <KnownAblation key={id} ablation={ablation} failure={state.failures[id]} />;
}

function KnownAblation({ ablation, failure }: { ablation: Ablation; failure: unknown }) {
  const { t } = useTranslation();
  const runs = useRunsOf(ablation);
  const table = useAblationTable(ablation, runs);
  const view = useQueueView(ablation, runs);
  return (
    <Page
      title={ablation.name}
      aside={<QueueBadge view={view} />}
      actions={<AblationActions ablation={ablation} view={view} table={table} />}
      fill
    >
      <div className="min-h-0 flex-1 overflow-y-auto">
        <AblationStanding ablation={ablation} runs={runs} view={view} />
        {failure !== undefined && (
          <ErrorNotice
            error={failure}
            className="m-4"
            action={
              <Button size="sm" onPress={() => dismissAblationFailure(ablation.id)}>
                {t("common.dismiss")}
              </Button>
            }
          />
        )}
        <AblationResults ablation={ablation} table={table} />
        <AblationCharts ablation={ablation} table={table} />
        <AblationCells ablation={ablation} runs={runs} />
      </div>
    </Page>
  );
}

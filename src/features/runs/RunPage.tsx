/** @file A run, live: how far it is, its curves, its answers, what it changed and what to do next. */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "wouter";
import type { RunId } from "../../core/ids";
import { needsMending } from "../../core/run";
import { loadRuns, resumeRun, takeReloaded, useRuns, useRunView, viewRun } from "../../state/runs";
import { useSeries } from "../../state/series";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { Page } from "../../ui/Page";
import { ProgressBar } from "../../ui/ProgressBar";
import { RewardMend } from "./RewardMend";
import { RunActions } from "./RunActions";
import { RunAnnouncer } from "./RunAnnouncer";
import { RunCharts } from "./RunCharts";
import { RunNotices } from "./RunNotices";
import { RunStanding } from "./RunStanding";
import { RunStatus } from "./RunStatus";
import { RunSummary } from "./RunSummary";

export default function RunPage() {
  const { t } = useTranslation();
  const id = useParams<{ id: RunId }>().id;
  const state = useRuns();
  useEffect(() => void loadRuns(), []);
  if (state.status === "failed") {
    return (
      <Page title={t("runs.title")}>
        <ErrorNotice error={state.error} />
      </Page>
    );
  }
  if (state.status === "loading") {
    return (
      <Page title={t("runs.title")}>
        <ProgressBar label={t("common.loading")} className="mx-auto max-w-60 pt-24" />
      </Page>
    );
  }
  if (!viewRun(state, id)) {
    return (
      <Page title={t("run.missing")} fill>
        <EmptyState
          icon="runs"
          title={t("run.missing")}
          action={
            <Link href="/runs" className="text-accent-ink underline">
              {t("run.allRuns")}
            </Link>
          }
        >
          {t("run.missingHint")}
        </EmptyState>
      </Page>
    );
  }
  return <KnownRun key={id} id={id} />;
}

/** Goes on by itself where this tab was training the run when it was reloaded; answers from which step. */
function useResumeAfterReload(id: RunId): number | null {
  const [resumedFrom, setResumedFrom] = useState<number | null>(null);
  const isCutOff = useRuns((state) => state.status === "ready" && viewRun(state, id)?.run.status === "interrupted");
  useEffect(() => {
    const state = useRuns.getState();
    const view = state.status === "ready" ? viewRun(state, id) : null;
    if (!isCutOff || !view || !takeReloaded(id)) return;
    setResumedFrom(view.run.checkpoint);
    void resumeRun(id);
  }, [id, isCutOff]);
  return resumedFrom;
}

function KnownRun({ id }: { id: RunId }) {
  const { t } = useTranslation();
  const view = useRunView(id);
  const resumedFrom = useResumeAfterReload(id);
  const series = useSeries(id);
  if (!view) return null;
  const { run, where } = view;
  const isLive = where !== "nowhere";
  return (
    <Page
      title={t("run.title", { name: run.name })}
      aside={<RunStatus status={run.status} isResuming={view.busy === "resuming"} />}
      actions={<RunActions view={view} />}
      fill
    >
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
        <RunStanding run={run} isLive={isLive} series={series} />
        <RunNotices view={view} alerts={series.alerts} resumedFrom={resumedFrom} />
        {where === "nowhere" && needsMending(run) && <RewardMend view={view} samples={series.samples} />}
        {series.status === "failed" && <ErrorNotice error={series.error} className="m-4" />}
        {!isLive && <RunSummary run={run} />}
        <RunCharts name={run.name} recipe={run.recipe} changes={run.changes} isLive={isLive} series={series} />
        <RunAnnouncer status={run.status} last={series.evals.at(-1) ?? null} />
      </div>
    </Page>
  );
}

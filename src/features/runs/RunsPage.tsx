/** @file All runs: how each stands and what it reached; several ticked are laid over each other. */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { RunId } from "../../core/ids";
import { loadRuns, useRuns } from "../../state/runs";
import { Button } from "../../ui/Button";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { Page } from "../../ui/Page";
import { ProgressBar } from "../../ui/ProgressBar";
import { UnreadableNotice } from "../../ui/UnreadableNotice";
import { Comparison } from "./Comparison";
import { RunsTable } from "./RunsTable";

export default function RunsPage() {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const state = useRuns();
  const [selected, setSelected] = useState<readonly RunId[]>([]);
  useEffect(() => void loadRuns(), []);
  const start = (
    <>
      <Button onPress={() => navigate("/compare")}>{t("ablation.title")}</Button>
      <Button variant="primary" icon="plus" onPress={() => navigate("/")}>
        {t("runs.new")}
      </Button>
    </>
  );
  if (state.status !== "ready") {
    return (
      <Page title={t("runs.title")}>
        {state.status === "failed" ? (
          <ErrorNotice
            error={state.error}
            action={
              <Button size="sm" onPress={() => void loadRuns()}>
                {t("common.retry")}
              </Button>
            }
          />
        ) : (
          <ProgressBar label={t("common.loading")} className="mx-auto max-w-60 pt-24" />
        )}
      </Page>
    );
  }
  if (state.runs.length === 0 && state.unreadable === 0) {
    return (
      <Page title={t("runs.title")} fill>
        <EmptyState
          icon="runs"
          title={t("runs.empty")}
          action={
            <Button variant="primary" onPress={() => navigate("/")}>
              {t("runs.emptyAction")}
            </Button>
          }
        >
          {t("runs.emptyHint")}
        </EmptyState>
      </Page>
    );
  }
  const chosen = state.runs.filter(({ id }) => selected.includes(id));
  const toggle = (id: RunId) =>
    setSelected(selected.includes(id) ? selected.filter((other) => other !== id) : [...selected, id]);
  return (
    <Page title={t("runs.title")} aside={t("runs.count", { count: state.runs.length })} actions={start} fill>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <UnreadableNotice count={state.unreadable} />
        <div className="lg:px-2">
          <RunsTable state={state} selected={selected} onToggle={toggle} />
        </div>
        {chosen.length > 1 ? (
          <Comparison runs={chosen} onClear={() => setSelected([])} />
        ) : (
          state.runs.length > 1 && <p className="px-4 py-3 text-xs text-faint lg:px-6">{t("runs.compareHint")}</p>
        )}
      </div>
    </Page>
  );
}

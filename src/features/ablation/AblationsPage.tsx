/** @file All comparisons of methods: how each stands. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import type { Ablation } from "../../core/ablation";
import { loadAblations, useAblations } from "../../state/ablations";
import { useQueueView, useRunsOf } from "../../state/ablationsTable";
import { loadRuns } from "../../state/runs";
import { Button } from "../../ui/Button";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatCount, formatTime } from "../../ui/formatQuantity";
import { Page } from "../../ui/Page";
import { ProgressBar } from "../../ui/ProgressBar";
import { type Column, Table } from "../../ui/Table";
import { UnreadableNotice } from "../../ui/UnreadableNotice";
import { QueueBadge } from "./QueueBadge";

export default function AblationsPage() {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const state = useAblations();
  useEffect(() => {
    void loadRuns();
    void loadAblations();
  }, []);
  const start = (
    <Button variant="primary" icon="plus" onPress={() => navigate("/compare/new")}>
      {t("ablation.new")}
    </Button>
  );
  if (state.status === "loading") {
    return (
      <Page title={t("ablation.title")}>
        <ProgressBar label={t("common.loading")} className="mx-auto max-w-60 pt-24" />
      </Page>
    );
  }
  if (state.status === "failed") {
    return (
      <Page title={t("ablation.title")}>
        <ErrorNotice
          error={state.error}
          action={
            <Button size="sm" onPress={() => void loadAblations()}>
              {t("common.retry")}
            </Button>
          }
        />
      </Page>
    );
  }
  const { ablations, unreadable } = state;
  if (ablations.length === 0 && unreadable === 0) {
    return (
      <Page title={t("ablation.title")} fill>
        <EmptyState icon="runs" title={t("ablation.empty")} action={start}>
          {t("ablation.emptyHint")}
        </EmptyState>
      </Page>
    );
  }
  const columns: Column<Ablation>[] = [
    {
      id: "name",
      header: t("ablation.name"),
      cell: ({ id, name }) => (
        <Link href={`/compare/${id}`} className="font-medium whitespace-nowrap hover:underline">
          {name}
        </Link>
      ),
    },
    { id: "status", header: t("ablation.status"), cell: (ablation) => <Standing ablation={ablation} /> },
    {
      id: "variants",
      header: t("ablation.variants"),
      cell: ({ variants }) => <span className="text-muted">{variants.map(({ name }) => name).join(", ")}</span>,
    },
    { id: "seeds", header: t("ablation.seeds"), numeric: true, cell: ({ seeds }) => formatCount(seeds.length) },
    { id: "runs", header: t("ablation.runs"), numeric: true, cell: (ablation) => <Done ablation={ablation} /> },
    {
      id: "started",
      header: t("ablation.started"),
      cell: ({ createdAt }) => <span className="whitespace-nowrap text-muted">{formatTime(createdAt)}</span>,
    },
  ];
  return (
    <Page title={t("ablation.title")} aside={t("ablation.count", { count: ablations.length })} actions={start} fill>
      <div className="min-h-0 flex-1 overflow-y-auto lg:px-2">
        <UnreadableNotice count={unreadable} />
        <Table label={t("ablation.list")} columns={columns} rows={ablations} rowKey={({ id }) => id} />
      </div>
    </Page>
  );
}

function Standing({ ablation }: { ablation: Ablation }) {
  return <QueueBadge view={useQueueView(ablation, useRunsOf(ablation))} />;
}

function Done({ ablation }: { ablation: Ablation }) {
  const { t } = useTranslation();
  const { done, total } = useQueueView(ablation, useRunsOf(ablation));
  return <>{t("ablation.runsDone", { done: formatCount(done), total: formatCount(total) })}</>;
}

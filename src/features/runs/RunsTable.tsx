/** @file The table of runs, a line each. */

import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { RunId } from "../../core/ids";
import type { EvalMetrics } from "../../core/metrics";
import { stepsInAll } from "../../core/recipe";
import type { Run } from "../../core/run";
import { type ReadyRuns, viewRun } from "../../state/runs";
import { accuracyOf, standardError } from "../../state/runsSummary";
import { useSeries } from "../../state/series";
import { IconButton } from "../../ui/Button";
import { backendName } from "../../ui/backendName";
import { Checkbox } from "../../ui/Checkbox";
import { Sparkline } from "../../ui/charts/Sparkline";
import { smooth } from "../../ui/charts/smooth";
import { formatCount, formatDuration, formatTime } from "../../ui/formatQuantity";
import { Menu } from "../../ui/Menu";
import { type Column, Table } from "../../ui/Table";
import { smoothingOf } from "./curves";
import { RunStatus } from "./RunStatus";
import { useRunCommands } from "./useRunCommands";

type RunsTableProps = { state: ReadyRuns; selected: readonly RunId[]; onToggle: (id: RunId) => void };

export function RunsTable({ state, selected, onToggle }: RunsTableProps) {
  const { t } = useTranslation();
  const isElsewhere = (run: Run) => viewRun(state, run.id)?.where === "elsewhere";
  const columns: Column<Run>[] = [
    {
      id: "select",
      header: <span className="sr-only">{t("runs.compare")}</span>,
      className: "w-8",
      cell: (run) => (
        <Checkbox
          label={t("runs.select", { name: run.name })}
          value={selected.includes(run.id)}
          onChange={() => onToggle(run.id)}
        />
      ),
    },
    {
      id: "name",
      header: t("runs.name"),
      cell: (run) => (
        <Link href={`/runs/${run.id}`} className="font-medium whitespace-nowrap hover:underline">
          {run.name}
        </Link>
      ),
    },
    {
      id: "status",
      header: t("runs.status"),
      cell: (run) => (
        <span className="flex items-center gap-2">
          <RunStatus status={run.status} />
          {isElsewhere(run) && <span className="text-xs text-muted">{t("runs.elsewhere")}</span>}
        </span>
      ),
    },
    {
      id: "steps",
      header: t("runs.steps"),
      numeric: true,
      cell: (run) => (
        <>
          {formatCount(run.step)}
          <span className="text-faint"> / {formatCount(stepsInAll(run.recipe))}</span>
        </>
      ),
    },
    { id: "accuracy", header: t("runs.accuracy"), numeric: true, cell: (run) => <Accuracy run={run} /> },
    { id: "loss", header: t("runs.loss"), className: "w-28", cell: (run) => <LossLine run={run} /> },
    {
      id: "backend",
      header: t("runs.backend"),
      cell: (run) => <span className="text-muted">{backendName(run.backend)}</span>,
    },
    {
      id: "time",
      header: t("runs.time"),
      numeric: true,
      cell: (run) => (run.seconds > 0 ? formatDuration(run.seconds) : "–"),
    },
    {
      id: "started",
      header: t("runs.started"),
      cell: (run) => <span className="whitespace-nowrap text-muted">{formatTime(run.createdAt)}</span>,
    },
    {
      id: "actions",
      header: <span className="sr-only">{t("runs.actionsHeader")}</span>,
      className: "w-8",
      cell: (run) => <RowMenu run={run} />,
    },
  ];
  return (
    <Table
      label={t("runs.table")}
      columns={columns}
      rows={state.runs}
      rowKey={({ id }) => id}
      isSelected={({ id }) => selected.includes(id)}
    />
  );
}

function Accuracy({ run }: { run: Run }) {
  const { t } = useTranslation();
  const [before, after] = [written(run.before), written(run.after)];
  if (!before || !after) return <span className="font-sans text-faint">{t("runs.notMeasured")}</span>;
  return (
    <>
      <span className="text-muted">{before.share} → </span>
      {after.share}
      <span className="text-muted"> ± {after.error}</span>
    </>
  );
}

function written(metrics: EvalMetrics | null) {
  const share = metrics ? accuracyOf(metrics) : null;
  if (!metrics || share === null) return null;
  return { share: share.toFixed(2), error: standardError(share, metrics.n).toFixed(2) };
}

function LossLine({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { columns } = useSeries(run.id);
  return (
    <Sparkline
      values={smooth(columns["train/loss"], smoothingOf(stepsInAll(run.recipe)))}
      color="var(--series-3)"
      label={t("runs.lossOf", { name: run.name })}
    />
  );
}

function RowMenu({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { actions, dialogs } = useRunCommands(run);
  return (
    <>
      <Menu label={t("runs.actions", { name: run.name })} actions={actions}>
        <IconButton size="sm" icon="more" label={t("runs.actions", { name: run.name })} />
      </Menu>
      {dialogs}
    </>
  );
}

/** @file The table of a comparison: a row a variant, with intervals; what is best only where they allow saying so. */

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Ablation } from "../../core/ablation";
import type { AblationRow, AblationTable, Estimate, Measure } from "../../state/ablationsTable";
import { Badge } from "../../ui/Badge";
import { formatBytes, formatCompact, formatCount, formatNumber, formatShare } from "../../ui/formatQuantity";
import { type Column, Table } from "../../ui/Table";
import { Tooltip } from "../../ui/Tooltip";
import { colorOfVariant } from "./colorOfVariant";

type Write = (value: number) => string;

const percent: Write = (share) => formatShare(share, 1);
const loss: Write = (value) => formatNumber(value, 4);
const seconds: Write = (value) => formatNumber(value, 3);
const points: Write = (share) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;

/** A value, and below it what it may be. */
function Value({ estimate, write, isBest = false }: { estimate: Estimate | null; write: Write; isBest?: boolean }) {
  const { t } = useTranslation();
  if (!estimate) return <span className="text-faint">–</span>;
  const { mean, interval } = estimate;
  return (
    <span className="flex flex-col items-end py-1 leading-tight">
      <span className={`flex items-center gap-1.5 ${isBest ? "font-semibold" : ""}`}>
        {isBest && (
          <Tooltip text={t("ablation.best")}>
            <span>
              <Badge tone="good">{t("ablation.bestMark")}</Badge>
            </span>
          </Tooltip>
        )}
        {write(mean)}
      </span>
      {interval && (
        <span className="text-xs text-muted">
          {write(interval.low)} … {write(interval.high)}
        </span>
      )}
    </span>
  );
}

/** Two lines: the figure, and what it is of. */
function Figure({ children, below }: { children: ReactNode; below?: ReactNode }) {
  return (
    <span className="flex flex-col items-end py-1 leading-tight">
      <span>{children}</span>
      {below && <span className="text-xs text-muted">{below}</span>}
    </span>
  );
}

const none = <span className="text-faint">–</span>;

export function AblationResults({ ablation, table }: { ablation: Ablation; table: AblationTable }) {
  const { t } = useTranslation();
  const { rows, accuracy } = table;
  const isEmpty = rows.every(({ seeds }) => seeds.length === 0);
  const first = rows[0]?.variant ?? "";
  const value = (measure: Measure, write: Write) => (row: AblationRow) => (
    <Value estimate={row.values[measure]} write={write} isBest={row.best.includes(measure)} />
  );
  const columns: Column<AblationRow>[] = [
    {
      id: "variant",
      header: t("ablation.variant"),
      cell: ({ variant }) => (
        <span className="flex items-center gap-2 font-medium whitespace-nowrap">
          <span
            className="size-2.5 shrink-0 rounded-full"
            style={{ background: colorOfVariant(rows.findIndex((row) => row.variant === variant)) }}
          />
          {variant}
        </span>
      ),
    },
    {
      id: "accuracy",
      header: t(accuracy === "exact" ? "ablation.exact" : "ablation.strict"),
      numeric: true,
      cell: value("accuracy", percent),
    },
    ...(accuracy === "exact"
      ? []
      : [{ id: "flexible", header: t("ablation.flexible"), numeric: true, cell: value("flexible", percent) }]),
    {
      id: "difference",
      header: t("ablation.difference", { name: first }),
      numeric: true,
      cell: (row) => <Difference row={row} />,
    },
    { id: "loss", header: t("ablation.loss"), numeric: true, cell: value("loss", loss) },
    { id: "trained", header: t("ablation.trained"), numeric: true, cell: (row) => <Trained row={row} /> },
    { id: "memory", header: t("ablation.memory"), numeric: true, cell: (row) => <Memory row={row} /> },
    {
      id: "seconds",
      header: t("ablation.seconds"),
      numeric: true,
      cell: value("seconds", (each) => t("ablation.secondsValue", { seconds: seconds(each) })),
    },
    {
      id: "file",
      header: t("ablation.file"),
      numeric: true,
      cell: ({ figures }) => (figures && figures.file > 0 ? formatBytes(figures.file) : none),
    },
    {
      id: "sample",
      header: t("ablation.sampleHead"),
      numeric: true,
      cell: ({ problems, seeds }) =>
        seeds.length === 0
          ? none
          : t("ablation.sample", {
              problems: problems === null ? "–" : formatCount(problems),
              seeds: formatCount(seeds.length),
            }),
    },
  ];
  return (
    <section aria-label={t("ablation.results")} className="border-b border-line pb-3 lg:px-2">
      <Table label={t("ablation.results")} columns={columns} rows={rows} rowKey={({ variant }) => variant} />
      <p className="px-4 pt-2 text-xs text-muted">
        {isEmpty ? t("ablation.noneDone") : t("ablation.note")}
        <span className="sr-only"> {ablation.name}</span>
      </p>
    </section>
  );
}

function Difference({ row: { difference, kept } }: { row: AblationRow }) {
  const { t } = useTranslation();
  if (!difference?.accuracy) return none;
  return (
    <>
      <Value estimate={difference.accuracy} write={points} />
      {kept && (
        <span className="block pb-1 text-xs text-muted">{t("ablation.kept", { kept: percent(kept.mean) })}</span>
      )}
    </>
  );
}

function Trained({ row: { figures } }: { row: AblationRow }) {
  const { t } = useTranslation();
  if (!figures) return none;
  const { trained, parameters } = figures;
  return (
    <Figure below={t("ablation.trainedShare", { share: formatShare(trained / parameters, 2) })}>
      {formatCompact(trained)}
    </Figure>
  );
}

function Memory({ row: { figures, values } }: { row: AblationRow }) {
  const { t } = useTranslation();
  const peak = values.peak && formatBytes(values.peak.mean);
  const plan = figures && formatBytes(figures.memory);
  if (!peak) return plan ? <Figure below={t("ablation.memoryPlanned")}>{plan}</Figure> : none;
  return <Figure below={plan && t("ablation.memoryPlan", { bytes: plan })}>{peak}</Figure>;
}

/** @file What each sample answer is worth by the rewards being written, and their sum. */

import { useTranslation } from "react-i18next";
import type { SampleRow, Scores } from "../core/reward";
import { ErrorNotice } from "./ErrorNotice";
import { formatNumber } from "./formatQuantity";
import { type Column, Table } from "./Table";

/** `scores` are null before the first answer; `error` is null where nothing kept the list from being rated. */
type Trial = { rows: readonly SampleRow[]; scores: Scores | null; isWaiting: boolean; error: unknown };

/** `total` is null before the first rating. */
type Rated = { index: number; row: SampleRow; values: readonly (number | null)[]; total: number | null };

function rated(rows: readonly SampleRow[], scores: Scores | null): Rated[] {
  return rows.map((row, index) => ({
    index,
    row,
    values: scores?.values[index] ?? [],
    total: scores?.total[index] ?? null,
  }));
}

/** `isFault`: the error is an own function's, and is told where its code stands. */
export function RewardTrial({ trial, isFault }: { trial: Trial; isFault: boolean }) {
  const { t } = useTranslation();
  const { rows, scores, isWaiting, error } = trial;
  const columns: Column<Rated>[] = [
    { id: "answer", header: t("rewards.trial.answer"), className: "min-w-56", cell: ({ row }) => <Answer row={row} /> },
    {
      id: "total",
      header: t("rewards.trial.total"),
      numeric: true,
      cell: ({ total }) => total !== null && <strong className="font-semibold">{formatNumber(total, 3)}</strong>,
    },
    ...(scores?.names ?? []).map((name, i) => ({
      id: `reward ${name}`,
      header: <code>{name}</code>,
      numeric: true,
      cell: ({ values }: Rated) => <Value value={values[i] ?? null} />,
    })),
  ];
  return (
    <section aria-label={t("rewards.trial.title")} className="flex min-w-0 flex-col gap-1">
      <div className="flex items-baseline justify-between gap-4">
        <h3 className="text-xs text-muted">{t("rewards.trial.title")}</h3>
        <p role="status" className="text-xs text-faint">
          {isWaiting ? t("rewards.trial.waiting") : isFault && scores ? t("rewards.trial.failed") : ""}
        </p>
      </div>
      {error !== null && !isFault && <ErrorNotice error={error} />}
      {rows[0] && <p className="line-clamp-2 font-mono text-xs whitespace-pre-line text-muted">{rows[0].prompt}</p>}
      <div aria-busy={isWaiting} className="rounded-md border border-line">
        <Table
          label={t("rewards.trial.title")}
          columns={columns}
          rows={rated(rows, scores)}
          rowKey={({ index }) => String(index)}
        />
      </div>
    </section>
  );
}

function Answer({ row: { kind, completion, tokens } }: { row: SampleRow }) {
  const { t } = useTranslation();
  return (
    <span className="flex min-w-0 flex-col py-1.5">
      <span className="text-xs text-muted">
        {t(`rewards.trial.kind.${kind}`)}
        <span className="text-faint"> · {t("rewards.trial.tokens", { count: tokens })}</span>
      </span>
      <span className="line-clamp-3 max-w-120 font-mono text-xs break-words whitespace-pre-line">
        {completion || <em className="text-faint not-italic">{t("rewards.trial.empty")}</em>}
      </span>
    </span>
  );
}

function Value({ value }: { value: number | null }) {
  const { t } = useTranslation();
  if (value !== null) return formatNumber(value, 3);
  return (
    <span className="text-faint" title={t("rewards.trial.notRated")}>
      <span aria-hidden="true">–</span>
      <span className="sr-only">{t("rewards.trial.notRated")}</span>
    </span>
  );
}

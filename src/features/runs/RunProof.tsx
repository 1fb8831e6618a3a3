/** @file Whether a run's exports were proved to be what it trained: the figures, or the way to them. */

import { useTranslation } from "react-i18next";
import { type ExportProof, formatKey, isExact } from "../../core/exportFormat";
import type { Run } from "../../core/run";
import { trainedOfRun } from "../../state/adapters";
import { askExport, exportKey, type Proved, useExports } from "../../state/exports";
import { Button } from "../../ui/Button";
import { formatNumber, formatShare } from "../../ui/formatQuantity";
import { Icon } from "../../ui/Icon";
import { ProgressBar } from "../../ui/ProgressBar";
import type { exporting } from "../../ui/words/en/exports";

const none: readonly Proved[] = [];

export function RunProof({ run }: { run: Run }) {
  const { t } = useTranslation();
  const trained = trainedOfRun(run);
  const key = exportKey(trained);
  const proofs = useExports(({ proofs }) => proofs[key] ?? none);
  const work = useExports(({ work }) => (work?.of === key ? work : null));
  const isBusy = work?.status === "writing" || work?.status === "proving";
  const hasFailed = work?.status === "failed" || work?.status === "unproved";
  return (
    <div className="flex flex-col gap-0.5">
      <span className="text-xs text-muted">{t("exports.summary.title")}</span>
      <ul aria-live="polite" className="flex flex-col gap-0.5 text-xs">
        {proofs.map(({ format, proof }) => (
          <li key={formatKey(format)}>
            <Line name={formatKey(format) as keyof typeof exporting.format} proof={proof} />
          </li>
        ))}
        {hasFailed && (
          <li className="text-bad">
            {t(`exports.format.${formatKey(work.format) as keyof typeof exporting.format}`)}:{" "}
            {t("exports.summary.failed")}
          </li>
        )}
      </ul>
      {isBusy && <ProgressBar label={t("exports.proving")} className="mt-1 w-40" />}
      {!isBusy && (proofs.length === 0 || hasFailed) && (
        <Button size="sm" className="mt-0.5 self-start" icon="check" onPress={() => void askExport(trained)}>
          {t("exports.summary.check")}
        </Button>
      )}
    </div>
  );
}

function Line({ name, proof }: { name: keyof typeof exporting.format; proof: ExportProof }) {
  const { t } = useTranslation();
  const { isGood, largestDifference, agreement, bound, prompts } = proof;
  const said = largestDifference === 0 ? "same" : isExact(bound) || !isGood ? "near" : "rounded";
  return (
    <span className={`flex items-center gap-1.5 ${isGood ? "" : "text-bad"}`}>
      <Icon name={isGood ? "check" : "error"} size={14} className={isGood ? "text-good" : "text-bad"} />
      <span>
        {t(`exports.format.${name}`)} {t(isGood ? "exports.summary.good" : "exports.summary.bad")}
        <span className="text-muted">
          {": "}
          {t(`exports.summary.${said}`, {
            count: prompts,
            largest: formatNumber(largestDifference, 2),
            agreement: formatShare(agreement, 1),
          })}
        </span>
      </span>
    </span>
  );
}

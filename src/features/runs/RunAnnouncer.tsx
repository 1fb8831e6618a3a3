/** @file Tells screen readers of evaluations and of the run's end, never of single steps. */

import type { TFunction } from "i18next";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { EvalMetrics, RunStatusKind } from "../../core/metrics";
import { formatNumber, formatShare } from "../../ui/formatQuantity";

function evaluationWords(t: TFunction, metrics: EvalMetrics): string {
  const { step, exact_match: exact } = metrics;
  const [strict, error, loss] = [metrics["gsm8k/strict"], metrics["gsm8k/stderr"], metrics["eval/loss"]];
  if (strict !== null)
    return t("run.live.evaluation", { step, strict: formatShare(strict), error: formatShare(error ?? 0) });
  if (exact !== null) return t("run.live.evaluationExact", { step, share: formatShare(exact) });
  return loss === null ? "" : t("run.live.evaluationLoss", { step, loss: formatNumber(loss, 3) });
}

type AnnouncerProps = { status: RunStatusKind; last: EvalMetrics | null };

export const RunAnnouncer = memo(function RunAnnouncer({ status, last }: AnnouncerProps) {
  const { t } = useTranslation();
  const ending = status === "done" || status === "paused" || status === "failed" ? t(`run.live.${status}`) : "";
  return (
    <p aria-live="polite" className="sr-only">
      {[last ? evaluationWords(t, last) : "", ending].filter(Boolean).join(". ")}
    </p>
  );
});

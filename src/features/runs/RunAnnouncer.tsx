/** @file Tells screen readers of evaluations and of the run's end, never of single steps. */

import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { EvalMetrics } from "../../core/metrics";
import type { Run } from "../../core/run";
import type { RunSeries } from "../../state/series";
import { formatNumber, formatShare } from "../../ui/formatQuantity";

function evaluationWords(t: TFunction, metrics: EvalMetrics): string {
  const { step, exact_match: exact } = metrics;
  const [strict, error, loss] = [metrics["gsm8k/strict"], metrics["gsm8k/stderr"], metrics["eval/loss"]];
  if (strict !== null)
    return t("run.live.evaluation", { step, strict: formatShare(strict), error: formatShare(error ?? 0) });
  if (exact !== null) return t("run.live.evaluationExact", { step, share: formatShare(exact) });
  return loss === null ? "" : t("run.live.evaluationLoss", { step, loss: formatNumber(loss, 3) });
}

export function RunAnnouncer({ run, series }: { run: Run; series: RunSeries }) {
  const { t } = useTranslation();
  const last = series.evals.at(-1);
  const { status } = run;
  const ending = status === "done" || status === "paused" || status === "failed" ? t(`run.live.${status}`) : "";
  return (
    <p aria-live="polite" className="sr-only">
      {[last ? evaluationWords(t, last) : "", ending].filter(Boolean).join(". ")}
    </p>
  );
}

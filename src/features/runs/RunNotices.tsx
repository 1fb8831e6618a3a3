/** @file What one should know of a run where one looks: cut off, in another tab, failed, and the alerts of its metrics. */

import { useTranslation } from "react-i18next";
import { fromWire } from "../../core/errors";
import type { Alert, AlertKind, RewardChange } from "../../core/metrics";
import { needsMending } from "../../core/run";
import { dismissFailure, type RunView, resumeRun } from "../../state/runs";
import { canResume, isActive } from "../../state/runsMirror";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatNumber } from "../../ui/formatQuantity";
import { Notice } from "../../ui/Notice";

type NoticesProps = { view: RunView; alerts: readonly Alert[]; resumedFrom: number | null };

export function RunNotices({ view, alerts: all, resumedFrom }: NoticesProps) {
  const { t } = useTranslation();
  const { run, where, busy, failure } = view;
  // A run that diverged says so itself.
  const alerts = run.status === "failed" ? all.filter(({ kind }) => kind !== "nan") : all;
  const latest = new Map<AlertKind, Alert>(alerts.map((alert) => [alert.kind, alert]));
  const isCutOff = run.status === "interrupted" && where === "nowhere";
  const notices = [
    resumedFrom !== null && where === "here" && (
      <Notice key="resumed">{t("run.resumed", { step: resumedFrom })}</Notice>
    ),
    where === "elsewhere" && <Notice key="elsewhere">{t("run.elsewhere")}</Notice>,
    isCutOff && failure === null && (
      <Notice
        key="interrupted"
        tone="warn"
        action={
          canResume(run) && (
            <Button size="sm" icon="play" isDisabled={busy !== null} onPress={() => void resumeRun(run.id)}>
              {busy === "resuming" ? t("run.resuming") : t("runs.resume")}
            </Button>
          )
        }
      >
        {t("run.interrupted")}{" "}
        {run.checkpoint > 0 ? t("run.interruptedAt", { step: run.checkpoint }) : t("run.interruptedNone")}
      </Notice>
    ),
    run.error && (run.status === "failed" || needsMending(run)) && (
      <ErrorNotice key="error" error={fromWire(run.error)} />
    ),
    failure !== null && run.status !== "failed" && (
      <ErrorNotice
        key="failure"
        error={failure}
        action={
          <Button size="sm" onPress={() => dismissFailure(run.id)}>
            {t("common.dismiss")}
          </Button>
        }
      />
    ),
    ...(run.changes ?? []).map((change, i) => <ChangeNotice key={`change ${i}`} change={change} />),
    ...[...latest.values()].map((alert) => (
      <AlertNotice
        key={alert.kind}
        alert={alert}
        others={all.filter(({ kind }) => kind === alert.kind).length - 1}
        isOver={!isActive(run)}
      />
    )),
  ].filter(Boolean);
  if (notices.length === 0) return null;
  return <div className="flex flex-col gap-2 px-4 pt-3 lg:px-6">{notices}</div>;
}

/** So that a curve is not taken for one that the same reward has drawn throughout. */
function ChangeNotice({ change: { step, name, before, after } }: { change: RewardChange }) {
  const { t } = useTranslation();
  return (
    <Notice>
      {t("rewards.changed.notice", { name, step })}
      <details className="mt-1 text-xs text-muted">
        <summary className="w-fit cursor-default rounded-sm">{t("rewards.changed.before")}</summary>
        <pre className="mt-1 overflow-x-auto border-l-2 border-line pl-3 font-mono">{before}</pre>
        <p className="mt-2">{t("rewards.changed.after")}</p>
        <pre className="mt-1 overflow-x-auto border-l-2 border-line pl-3 font-mono">{after}</pre>
      </details>
    </Notice>
  );
}

function AlertNotice({ alert, others, isOver }: { alert: Alert; others: number; isOver: boolean }) {
  const { t } = useTranslation();
  const { kind, step, value } = alert;
  return (
    <Notice tone={isOver && kind !== "nan" ? "info" : "warn"}>
      <span className="font-medium">{t(`run.alert.${kind}`)}.</span>{" "}
      {t(`run.alert.${kind}Hint`, { step, value: formatNumber(value, 3) })}
      {others > 0 && <span className="text-muted"> ({t("run.alert.more", { count: others })})</span>}
    </Notice>
  );
}

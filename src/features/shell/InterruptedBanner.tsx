/** @file Above Studio and Runs: offers to go on with the comparison, or the latest run, that was cut off. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import type { Ablation } from "../../core/ablation";
import { goOn, goOnAfterReload, loadAblations } from "../../state/ablations";
import { useInterruptedAblation, useQueueView, useRunsOf } from "../../state/ablationsTable";
import { resumeRun, useRuns } from "../../state/runs";
import { canResume } from "../../state/runsMirror";
import { Button } from "../../ui/Button";
import { formatCount } from "../../ui/formatQuantity";
import { Icon } from "../../ui/Icon";

export default function InterruptedBanner() {
  const [location] = useLocation();
  const comparison = useInterruptedAblation();
  const isReady = useRuns(({ status }) => status === "ready");
  useEffect(() => void goOnAfterReload().then(loadAblations), []);
  if (!isReady || (location !== "/" && location !== "/runs")) return null;
  return comparison ? <ComparisonBanner ablation={comparison} /> : <RunBanner />;
}

function ComparisonBanner({ ablation }: { ablation: Ablation }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const { done, total } = useQueueView(ablation, useRunsOf(ablation));
  const { id, name } = ablation;
  const words = t("ablation.banner", { name, done: formatCount(done), total: formatCount(total) });
  return (
    <Banner
      words={words}
      page={`/compare/${id}`}
      action={t("ablation.goOn")}
      onAction={() => {
        void goOn(id);
        navigate(`/compare/${id}`);
      }}
    />
  );
}

function RunBanner() {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const run = useRuns((state) =>
    state.status === "ready" && state.here.size === 0
      ? state.runs.find((candidate) => candidate.status === "interrupted" && canResume(candidate))
      : undefined,
  );
  if (!run) return null;
  return (
    <Banner
      words={t("runs.banner", { name: run.name, step: formatCount(run.step) })}
      page={`/runs/${run.id}`}
      action={t("runs.resume")}
      onAction={() => {
        void resumeRun(run.id);
        navigate(`/runs/${run.id}`);
      }}
    />
  );
}

type BannerProps = { words: string; page: string; action: string; onAction: () => void };

function Banner({ words, page, action, onAction }: BannerProps) {
  const { t } = useTranslation();
  return (
    <div
      role="status"
      className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-warn/40 bg-warn-soft px-4 py-1.5 text-sm lg:px-6"
    >
      <Icon name="warning" className="text-warn" />
      <span className="min-w-0 flex-1">
        {words}{" "}
        <Link href={page} className="underline underline-offset-2">
          {t("runs.show")}
        </Link>
      </span>
      <Button size="sm" icon="play" onPress={onAction}>
        {action}
      </Button>
    </div>
  );
}

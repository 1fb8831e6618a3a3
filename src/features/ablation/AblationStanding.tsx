/** @file How far a comparison is: which run is under way, how many are done, the time left, or why it rests. */

import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Ablation } from "../../core/ablation";
import { stepsInAll } from "../../core/recipe";
import { type QueueView, type Runs, runOf } from "../../state/ablationsQueue";
import { useActiveRun } from "../../state/runs";
import { formatCount, formatDuration } from "../../ui/formatQuantity";
import { ProgressBar } from "../../ui/ProgressBar";

type StandingProps = { ablation: Ablation; runs: Runs; view: QueueView };

export function AblationStanding({ ablation, runs, view }: StandingProps) {
  const { t } = useTranslation();
  const { status, done, failed, total, secondsLeft } = view;
  const run = view.active ? runOf(view.active, runs) : null;
  const share = total === 0 ? 0 : (done + failed + (run ? run.step / stepsInAll(run.recipe) : 0)) / total;
  if (status === "ended") return null;
  return (
    <section aria-label={t("ablation.progress")} className="flex flex-col gap-2 border-b border-line px-4 py-3 lg:px-6">
      <p className="flex flex-wrap items-baseline gap-x-4 gap-y-1 text-sm">
        <span className="font-mono">
          {t("ablation.runsDone", { done: formatCount(done), total: formatCount(total) })}
        </span>
        <Now ablation={ablation} runs={runs} view={view} />
        {secondsLeft !== null && secondsLeft > 0 && (
          <span className="text-muted">{t("ablation.left", { time: formatDuration(secondsLeft) })}</span>
        )}
      </p>
      <ProgressBar label={t("ablation.progress")} value={share} />
    </section>
  );
}

function Now({ ablation, runs, view: { status, active } }: StandingProps) {
  const { t } = useTranslation();
  const other = useActiveRun();
  const run = active ? runOf(active, runs) : null;
  if (active && run) {
    const { variant, seed } = active;
    const [step, steps] = [formatCount(run.step), formatCount(stepsInAll(run.recipe))];
    return (
      <Link href={`/runs/${run.id}`} className="hover:underline">
        {t("ablation.nowAt", { variant, seed, step, steps })}
      </Link>
    );
  }
  if (status === "interrupted") return <span className="text-warn">{t("ablation.interrupted")}</span>;
  if (status === "elsewhere") return <span className="text-muted">{t("ablation.elsewhere")}</span>;
  if (status !== "going") return null;
  if (other && !ablation.cells.some((cell) => cell.run === other.id)) {
    return <span className="text-muted">{t("ablation.busy", { name: other.name })}</span>;
  }
  return <span className="text-muted">{t("ablation.waiting")}</span>;
}

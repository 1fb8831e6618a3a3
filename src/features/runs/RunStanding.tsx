/** @file One line under the title: step, time left, learning rate, speed, the next evaluation; and the run's progress. */

import { useTranslation } from "react-i18next";
import type { Run } from "../../core/run";
import { runProgress } from "../../state/runsProgress";
import type { RunSeries } from "../../state/series";
import { backendName } from "../../ui/backendName";
import { formatCount, formatDuration, formatNumber } from "../../ui/formatQuantity";
import { ProgressBar } from "../../ui/ProgressBar";

export function RunStanding({ run, isLive, series }: { run: Run; isLive: boolean; series: RunSeries }) {
  const { t } = useTranslation();
  const progress = runProgress(run, series);
  const { step, steps, secondsLeft, nextEvaluation, tokensPerSecond, learningRate } = progress;
  const running = run.status === "running";
  const facts = [
    t("run.ofSteps", { step: formatCount(step), steps: formatCount(steps) }),
    isLive && secondsLeft !== null && t("run.left", { time: formatDuration(secondsLeft) }),
    !isLive && run.seconds > 0 && t("run.trainedFor", { time: formatDuration(run.seconds) }),
    isLive && learningRate !== null && t("run.learningRate", { value: formatNumber(learningRate, 3) }),
    tokensPerSecond !== null && t("run.speed", { value: formatCount(tokensPerSecond) }),
    backendName(run.backend),
  ].filter((fact) => typeof fact === "string" && fact !== "");
  return (
    <div className="sticky top-0 z-10 shrink-0 border-b border-line bg-page">
      <div className="flex min-h-9 flex-wrap items-center gap-x-4 gap-y-0.5 px-4 py-1.5 text-sm lg:px-6">
        <p className="flex flex-wrap gap-x-2 font-mono">
          {facts.map((fact, i) => (
            <span key={String(fact)}>
              <span>{fact}</span>
              {i < facts.length - 1 && <span className="ml-2 text-faint">·</span>}
            </span>
          ))}
        </p>
        <p className="text-xs text-muted">
          {series.progress && running
            ? t(series.progress.total > 1 ? "run.phaseOf" : "run.phaseOnly", {
                phase: t(`run.phase.${series.progress.phase}`),
                done: formatCount(Math.floor(series.progress.done)),
                total: formatCount(series.progress.total),
              })
            : running &&
              nextEvaluation &&
              (nextEvaluation.seconds === null
                ? t("run.nextEvaluation", { step: nextEvaluation.step })
                : t("run.nextEvaluationIn", {
                    step: nextEvaluation.step,
                    time: formatDuration(nextEvaluation.seconds),
                  }))}
        </p>
      </div>
      {isLive && <ProgressBar label={run.name} value={step / steps} />}
    </div>
  );
}

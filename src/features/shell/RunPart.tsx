/** @file The running job in the status line: its name, how far it is, and a button to pause it. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { stepsInAll } from "../../core/recipe";
import { continueRun, loadRuns, pauseRun, useActiveRun } from "../../state/runs";
import { IconButton } from "../../ui/Button";
import { formatShare } from "../../ui/formatQuantity";
import { ProgressBar } from "../../ui/ProgressBar";

export default function RunPart() {
  const { t } = useTranslation();
  const run = useActiveRun();
  useEffect(() => void loadRuns(), []);
  if (!run) return null;
  const share = run.step / stepsInAll(run.recipe);
  const isPaused = run.status === "paused";
  return (
    <>
      <Link
        href={`/runs/${run.id}`}
        className="flex h-full min-w-0 items-center gap-2 rounded-sm px-2 hover:bg-hover hover:text-ink"
      >
        <span className="truncate">{run.name}</span>
        <ProgressBar label={run.name} value={share} className="w-16 sm:w-28" />
        <span className="w-9 text-right font-mono">{formatShare(share)}</span>
      </Link>
      <IconButton
        size="sm"
        icon={isPaused ? "play" : "pause"}
        label={t(isPaused ? "shell.continue" : "shell.pause", { name: run.name })}
        onPress={() => void (isPaused ? continueRun(run.id) : pauseRun(run.id))}
      />
    </>
  );
}

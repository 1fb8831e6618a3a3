/** @file Offers to go on with the latest run that was cut off. */

import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { resumeRun, useRuns } from "../../state/runs";
import { canResume } from "../../state/runsMirror";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";

export function InterruptedBanner({ className }: { className?: string }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const run = useRuns((state) =>
    state.status === "ready" && state.here.size === 0
      ? state.runs.find((candidate) => candidate.status === "interrupted" && canResume(candidate))
      : undefined,
  );
  if (!run) return null;
  const resume = () => {
    void resumeRun(run.id);
    navigate(`/runs/${run.id}`);
  };
  return (
    <div className={className}>
      <Notice
        tone="warn"
        action={
          <Button size="sm" icon="play" onPress={resume}>
            {t("runs.resume")}
          </Button>
        }
      >
        {t("runs.banner", { name: run.name, step: run.step })}
      </Notice>
    </div>
  );
}

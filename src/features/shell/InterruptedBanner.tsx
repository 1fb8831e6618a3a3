/** @file Above Studio and Runs: offers to go on with the latest run that was cut off. */

import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { resumeRun, useRuns } from "../../state/runs";
import { canResume } from "../../state/runsMirror";
import { Button } from "../../ui/Button";
import { formatCount } from "../../ui/formatQuantity";
import { Icon } from "../../ui/Icon";

export default function InterruptedBanner() {
  const { t } = useTranslation();
  const [location, navigate] = useLocation();
  const run = useRuns((state) =>
    state.status === "ready" && state.here.size === 0
      ? state.runs.find((candidate) => candidate.status === "interrupted" && canResume(candidate))
      : undefined,
  );
  if (!run || (location !== "/" && location !== "/runs")) return null;
  const resume = () => {
    void resumeRun(run.id);
    navigate(`/runs/${run.id}`);
  };
  return (
    <div
      role="status"
      className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-warn/40 bg-warn-soft px-4 py-1.5 text-sm lg:px-6"
    >
      <Icon name="warning" className="text-warn" />
      <span className="min-w-0 flex-1">
        {t("runs.banner", { name: run.name, step: formatCount(run.step) })}{" "}
        <Link href={`/runs/${run.id}`} className="underline underline-offset-2">
          {t("runs.show")}
        </Link>
      </span>
      <Button size="sm" icon="play" onPress={resume}>
        {t("runs.resume")}
      </Button>
    </div>
  );
}

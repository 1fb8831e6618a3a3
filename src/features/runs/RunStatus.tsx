/** @file How a run stands, in a word. */

import { useTranslation } from "react-i18next";
import type { RunStatusKind } from "../../core/metrics";
import { Badge, type Tone } from "../../ui/Badge";

const tones: Record<RunStatusKind, Tone> = {
  draft: "neutral",
  running: "accent",
  paused: "warn",
  interrupted: "warn",
  done: "good",
  stopped: "neutral",
  failed: "bad",
};

export function RunStatus({ status, isResuming = false }: { status: RunStatusKind; isResuming?: boolean }) {
  const { t } = useTranslation();
  if (isResuming) return <Badge tone="accent">{t("run.resuming")}</Badge>;
  return <Badge tone={tones[status]}>{t(`runs.statuses.${status}`)}</Badge>;
}

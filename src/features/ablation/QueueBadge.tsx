/** @file How a comparison stands, in a word. */

import { useTranslation } from "react-i18next";
import type { QueueStatus, QueueView } from "../../state/ablationsQueue";
import { Badge, type Tone } from "../../ui/Badge";

const tones: Record<QueueStatus, Tone> = {
  going: "accent",
  elsewhere: "accent",
  interrupted: "warn",
  paused: "warn",
  stopped: "neutral",
  ended: "good",
};

export function QueueBadge({ view: { status, failed } }: { view: QueueView }) {
  const { t } = useTranslation();
  return (
    <span className="inline-flex flex-wrap items-center gap-1.5">
      <Badge tone={tones[status]}>{t(`ablation.statuses.${status}`)}</Badge>
      {failed > 0 && <Badge tone="bad">{t("ablation.failedCount", { count: failed })}</Badge>}
    </span>
  );
}

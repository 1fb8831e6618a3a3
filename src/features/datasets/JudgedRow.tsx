/** @file A row that judges: the chosen answer beside the rejected one, what differs marked; or an answer and its label. */

import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Example } from "../../core/dataset";
import { Badge } from "../../ui/Badge";
import { formatCount } from "../../ui/formatQuantity";
import { Icon } from "../../ui/Icon";
import { sharedPart, type WordPiece, wordDifference } from "./wordDifference";

export const isJudged = (example: Example): boolean => example.rejected !== undefined || example.label !== undefined;

export function LabelBadge({ label }: { label: boolean }) {
  const { t } = useTranslation();
  return (
    <Badge tone={label ? "good" : "bad"}>
      <Icon name={label ? "check" : "close"} size={12} />
      {t(label ? "datasets.labelGood" : "datasets.labelBad")}
    </Badge>
  );
}

/** Of two long answers that share less than this, nearly every word would be marked, which says nothing. */
const leastShared = 0.4;
const longAnswer = 300;

const text = "text-sm break-words whitespace-pre-wrap";

export function JudgedRow({ example, row }: { example: Example; row: number }) {
  const { t } = useTranslation();
  const { prompt, completion, rejected, label, dimension } = example;
  return (
    <section
      aria-label={t("datasets.judged", { row: formatCount(row + 1) })}
      tabIndex={0}
      className="flex max-h-1/2 shrink-0 flex-col gap-2 overflow-auto rounded-md border border-line bg-surface p-3"
    >
      <div>
        <h4 className="text-xs font-normal text-faint">{t("datasets.prompt")}</h4>
        <p className={`${text} line-clamp-5 text-muted`} title={prompt}>
          {prompt}
        </p>
      </div>
      {rejected === undefined ? (
        <div className="flex flex-col gap-1">
          <p className="flex flex-wrap items-center gap-2 text-xs text-faint">
            {label !== undefined && <LabelBadge label={label} />}
            {label === false && t("datasets.badNotImitated")}
          </p>
          <p className={text}>{completion}</p>
        </div>
      ) : (
        <Answers chosen={completion} rejected={rejected} dimension={dimension} />
      )}
    </section>
  );
}

type AnswersProps = { chosen: string; rejected: string; dimension: string | undefined };

function Answers({ chosen, rejected, dimension }: AnswersProps) {
  const { t } = useTranslation();
  const pieces = useMemo(() => wordDifference(chosen, rejected), [chosen, rejected]);
  const [better, worse] = pieces;
  const isClose = sharedPart(pieces) >= leastShared || Math.max(chosen.length, rejected.length) < longAnswer;
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2">
        <section aria-label={t("datasets.chosen")} className="min-w-0">
          <h4 className="mb-1 flex flex-wrap gap-1">
            <Badge tone="good">{t("datasets.chosen")}</Badge>
            {dimension !== undefined && <Badge>{dimension}</Badge>}
          </h4>
          <Pieces pieces={better} mark={isClose ? "bg-good-soft text-good" : null} />
        </section>
        <section aria-label={t("datasets.rejected")} className="min-w-0 border-line max-sm:border-t max-sm:pt-2">
          <h4 className="mb-1">
            <Badge tone="bad">{t("datasets.rejected")}</Badge>
          </h4>
          <Pieces pieces={worse} mark={isClose ? "bg-bad-soft text-bad" : null} />
        </section>
      </div>
      <p className="text-xs text-faint">{t(isClose ? "datasets.onlyHere" : "datasets.littleShared")}</p>
    </>
  );
}

/** @param mark how one's own words look; null where nothing is marked */
function Pieces({ pieces, mark }: { pieces: readonly WordPiece[]; mark: string | null }) {
  return (
    <p className={text}>
      {pieces.map((piece, i) =>
        piece.isOwn && mark !== null ? (
          <mark key={i} className={`rounded-sm ${mark}`}>
            {piece.text}
          </mark>
        ) : (
          <span key={i}>{piece.text}</span>
        ),
      )}
    </p>
  );
}

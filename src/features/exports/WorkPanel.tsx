/** @file How far an export is, and the proof that it is what was trained, or that it is not. */

import { useTranslation } from "react-i18next";
import {
  boundOf,
  type ExportFormat,
  type ExportProof,
  formatKey,
  isExact,
  type MadeExport,
} from "../../core/exportFormat";
import type { Trained } from "../../state/adapters";
import { makeExport, type Work } from "../../state/exports";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatNumber, formatShare } from "../../ui/formatQuantity";
import { Icon } from "../../ui/Icon";
import { Notice } from "../../ui/Notice";
import { ProgressBar } from "../../ui/ProgressBar";
import { translate } from "../../ui/words/translate";
import type { ExportWord } from "./exportWord";

type WorkProps = { trained: Trained; format: ExportFormat; work: Work | null };

export function WorkPanel({ trained, format, work }: WorkProps) {
  const { t } = useTranslation();
  const name = t(`exports.format.${formatKey(format) as ExportWord<"format">}`);
  return (
    <div aria-live="polite" className="flex flex-col gap-2">
      {work === null && (
        <p className="text-xs text-muted">
          {t("exports.proofWhy")} {t("exports.bound", { bound: formatNumber(boundOf(format).relative, 2) })}
        </p>
      )}
      {work?.status === "writing" && (
        <ProgressBar label={t("exports.writing", { format: name })} showLabel value={work.share} />
      )}
      {work?.status === "proving" && <ProgressBar label={t("exports.proving")} showLabel />}
      {work?.status === "failed" && <ErrorNotice error={work.error} />}
      {work?.status === "unproved" && (
        <>
          <Notice tone="warn">
            <span className="font-medium">{t("exports.unproved")}.</span> {t("exports.unprovedMeaning")}
          </Notice>
          <ErrorNotice error={work.error} />
        </>
      )}
      {work?.status === "proved" && <Proof proof={work.proof} />}
      {(work?.status === "unproved" || (work?.status === "proved" && !work.proof.isGood)) && (
        <Button size="sm" className="self-start" icon="reset" onPress={() => void makeExport(trained, format)}>
          {t("exports.again")}
        </Button>
      )}
      {work && "made" in work && <Notes made={work.made} />}
    </div>
  );
}

/** In what other programs will differ. */
function Notes({ made: { notes } }: { made: MadeExport }) {
  const { t } = useTranslation();
  return notes.map((note) => <Notice key={note.key}>{translate(t, note)}</Notice>);
}

function Proof({ proof }: { proof: ExportProof }) {
  const { t } = useTranslation();
  const { isGood, largestDifference, relative, agreement, bound, prompts, places } = proof;
  const title = t(!isGood ? "exports.bad" : isExact(bound) ? "exports.good" : "exports.goodRounded");
  return (
    <section
      aria-label={title}
      className={`flex gap-3 rounded-lg border p-3 text-sm ${isGood ? "border-good/40 bg-good-soft" : "border-bad/40 bg-bad-soft"}`}
    >
      <Icon name={isGood ? "check" : "error"} className={`mt-0.5 ${isGood ? "text-good" : "text-bad"}`} />
      <div className="flex min-w-0 flex-col gap-1">
        <p className="font-medium">{title}</p>
        {!isGood && <p>{t("exports.badMeaning")}</p>}
        <p className="font-mono text-xs">
          {t("exports.difference", {
            count: prompts,
            largest: formatNumber(largestDifference, 2),
            relative: formatNumber(relative, 2),
            bound: formatNumber(bound.relative, 2),
          })}
        </p>
        <p className="font-mono text-xs">
          {t("exports.agreement", {
            count: places,
            agreement: formatShare(agreement, 1),
            bound: formatShare(bound.agreement),
          })}
        </p>
      </div>
    </section>
  );
}

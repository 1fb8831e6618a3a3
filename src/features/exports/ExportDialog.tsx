/** @file Takes what was trained away: the forms and what each is for, what cannot carry it and why, and the proof. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type ExportFormat, type ExportOffer, formatKey, formatsOf } from "../../core/exportFormat";
import type { Trained } from "../../state/adapters";
import {
  askExport,
  closeExport,
  exportKey,
  makeExport,
  stopExport,
  useExports,
  usualFormat,
} from "../../state/exports";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { Dialog } from "../../ui/Dialog";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatBytes } from "../../ui/formatQuantity";
import { ProgressBar } from "../../ui/ProgressBar";
import type { ExportWord } from "./exportWord";
import { FormChoice, Unable } from "./FormChoice";
import { SaveButton } from "./SaveButton";
import { WorkPanel } from "./WorkPanel";

/** Shown while something is asked about. */
export default function ExportDialog() {
  const asking = useExports(({ asking }) => asking);
  return asking && <Asked key={exportKey(asking)} trained={asking} />;
}

function Asked({ trained }: { trained: Trained }) {
  const { t } = useTranslation();
  const { offer, work: latest } = useExports();
  const [chosen, setChosen] = useState<ExportFormat | null>(null);
  const format = chosen ?? (offer.status === "ready" ? usualFormat(offer) : null);
  const isOfThis =
    format !== null && latest?.of === exportKey(trained) && formatKey(latest.format) === formatKey(format);
  const work = isOfThis ? latest : null;
  const isBusy = work?.status === "writing" || work?.status === "proving";
  const made = work && "made" in work ? work.made : null;
  return (
    <Dialog
      title={t("exports.title", { name: trained.name })}
      isOpen
      onClose={closeExport}
      actions={
        <>
          {isBusy ? (
            <Button icon="stop" onPress={stopExport}>
              {t("exports.stop")}
            </Button>
          ) : (
            <Button onPress={closeExport}>{t("common.close")}</Button>
          )}
          {made && work?.status !== "proving" ? (
            <SaveButton made={made} isGood={work?.status === "proved" && work.proof.isGood} />
          ) : (
            <Button
              variant="primary"
              isDisabled={format === null || isBusy}
              onPress={() => format && void makeExport(trained, format)}
            >
              {t("exports.make")}
            </Button>
          )}
        </>
      }
    >
      {offer.status === "loading" && <ProgressBar label={t("exports.loading")} showLabel />}
      {offer.status === "failed" && (
        <ErrorNotice
          error={offer.error}
          action={
            <Button size="sm" onPress={() => void askExport(trained)}>
              {t("common.retry")}
            </Button>
          }
        />
      )}
      {offer.status === "ready" && format && (
        <div className="flex flex-col gap-4">
          <FormChoice offer={offer} value={format.kind} onChange={(kind) => setChosen(formatsOf[kind][0])} />
          {formatsOf[format.kind].length > 1 && <Numbers offer={offer} value={format} onChange={setChosen} />}
          <WorkPanel trained={trained} format={format} work={work} />
          <Unable offer={offer} onTake={(kind) => setChosen(formatsOf[kind][0])} />
        </div>
      )}
    </Dialog>
  );
}

type NumbersProps = { offer: ExportOffer; value: ExportFormat; onChange: (format: ExportFormat) => void };

/** In what numbers a merged model is written. */
function Numbers({ offer, value, onChange }: NumbersProps) {
  const { t } = useTranslation();
  const formats = formatsOf[value.kind];
  return (
    <section aria-label={t("exports.numbers")} className="border-l-2 border-line pl-4">
      <h3 className="mb-1.5 text-xs text-muted">{t("exports.numbers")}</h3>
      <Choice
        label={t("exports.numbers")}
        value={formatKey(value)}
        onChange={(key) => {
          const format = formats.find((each) => formatKey(each) === key);
          if (format) onChange(format);
        }}
        options={formats.map((format) => {
          const size = offer.sizes.find((each) => formatKey(each.format) === formatKey(format))?.bytes ?? 0;
          const key = formatKey(format);
          return { id: key, label: t(`exports.number.${key as ExportWord<"number">}`, { size: formatBytes(size) }) };
        })}
      />
    </section>
  );
}

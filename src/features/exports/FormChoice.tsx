/** @file The forms of an export, each with what it is for and its size, and those that cannot carry what was trained. */

import { RadioButton, RadioField, RadioGroup } from "react-aria-components/RadioGroup";
import { useTranslation } from "react-i18next";
import { type ExportKind, type ExportOffer, exportKinds } from "../../core/exportFormat";
import { Button } from "../../ui/Button";
import { formatBytes } from "../../ui/formatQuantity";
import { translate } from "../../ui/words/translate";

type FormProps = { offer: ExportOffer; value: ExportKind; onChange: (kind: ExportKind) => void };

export function FormChoice({ offer, value, onChange }: FormProps) {
  const { t } = useTranslation();
  return (
    <RadioGroup
      aria-label={t("exports.forms")}
      value={value}
      onChange={(id) => {
        const kind = exportKinds.find((each) => each === id);
        if (kind) onChange(kind);
      }}
      className="flex flex-col gap-2.5"
    >
      {offer.choices
        .filter(({ reason }) => reason === null)
        .map(({ kind }) => (
          <Form key={kind} kind={kind} offer={offer} />
        ))}
    </RadioGroup>
  );
}

function Form({ kind, offer }: { kind: ExportKind; offer: ExportOffer }) {
  const { t } = useTranslation();
  const sizes = offer.sizes.filter(({ format }) => format.kind === kind).map(({ bytes }) => bytes);
  return (
    <RadioField value={kind}>
      <RadioButton className="group flex items-start gap-2 text-sm data-focus-visible:outline-none">
        <span className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-full border border-edge bg-surface outline-offset-2 group-data-focus-visible:outline-2 group-data-focus-visible:outline-accent group-data-selected:border-[5px] group-data-selected:border-accent" />
        <span className="flex min-w-0 flex-1 flex-col">
          <span className="flex justify-between gap-3">
            {t(`exports.kind.${kind}`)}
            {sizes.length > 0 && (
              <span className="shrink-0 font-mono text-xs text-muted">
                {t(sizes.length > 1 ? "exports.sizeFrom" : "exports.size", { size: formatBytes(Math.min(...sizes)) })}
              </span>
            )}
          </span>
          <span className="text-xs text-muted">{t(`exports.kindFor.${kind}`)}</span>
        </span>
      </RadioButton>
    </RadioField>
  );
}

/** The forms that cannot carry what was trained, why, and what to take in their place. */
export function Unable({ offer, onTake }: { offer: ExportOffer; onTake: (kind: ExportKind) => void }) {
  const { t } = useTranslation();
  const unable = offer.choices.flatMap(({ kind, reason, instead }) => (reason ? [{ kind, reason, instead }] : []));
  if (unable.length === 0) return null;
  return (
    <section aria-label={t("exports.cannot")} className="border-t border-line pt-3">
      <h3 className="mb-1 text-xs text-muted">{t("exports.cannot")}</h3>
      <ul className="flex flex-col gap-2">
        {unable.map(({ kind, reason, instead }) => (
          <li key={kind} className="flex items-start justify-between gap-x-3 text-sm max-sm:flex-col">
            <span>
              {t(`exports.kind.${kind}`)}
              <span className="block text-xs text-muted">{t("exports.reason", { reason: translate(t, reason) })}</span>
            </span>
            {instead && (
              <Button size="sm" className="max-sm:-ml-2" variant="quiet" onPress={() => onTake(instead)}>
                {t("exports.instead", { kind: t(`exports.kind.${instead}`) })}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** @file The forms of an export, each with what it is for and its size, or why it cannot carry what was trained. */

import { RadioButton, RadioField, RadioGroup } from "react-aria-components/RadioGroup";
import { useTranslation } from "react-i18next";
import { type ExportChoice, type ExportKind, type ExportOffer, exportKinds } from "../../core/exportFormat";
import { Button } from "../../ui/Button";
import { formatBytes } from "../../ui/formatQuantity";
import { translate } from "../../ui/words/translate";

type FormProps = { offer: ExportOffer; value: ExportKind; onChange: (kind: ExportKind) => void };

export function FormChoice({ offer, value, onChange }: FormProps) {
  const { t } = useTranslation();
  // what cannot be taken stands below what can
  const choices = [...offer.choices].sort((a, b) => Number(a.reason !== null) - Number(b.reason !== null));
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
      {choices.map((choice) => (
        <Form key={choice.kind} choice={choice} offer={offer} onTake={onChange} />
      ))}
    </RadioGroup>
  );
}

type OneProps = { choice: ExportChoice; offer: ExportOffer; onTake: (kind: ExportKind) => void };

function Form({ choice: { kind, reason, instead }, offer, onTake }: OneProps) {
  const { t } = useTranslation();
  const sizes = offer.sizes.filter(({ format }) => format.kind === kind).map(({ bytes }) => bytes);
  const least = sizes.length > 0 ? formatBytes(Math.min(...sizes)) : null;
  return (
    <div>
      <RadioField value={kind} isDisabled={reason !== null}>
        <RadioButton className="group flex items-start gap-2 text-sm data-focus-visible:outline-none">
          <span className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-full border border-edge bg-surface outline-offset-2 group-data-disabled:opacity-45 group-data-focus-visible:outline-2 group-data-focus-visible:outline-accent group-data-selected:border-[5px] group-data-selected:border-accent" />
          <span className="flex min-w-0 flex-1 flex-col">
            <span className="flex justify-between gap-3 group-data-disabled:text-muted">
              {t(`exports.kind.${kind}`)}
              {least && (
                <span className="shrink-0 font-mono text-xs text-muted">
                  {t(sizes.length > 1 ? "exports.sizeFrom" : "exports.size", { size: least })}
                </span>
              )}
            </span>
            <span className="text-xs text-muted">{t(`exports.kindFor.${kind}`)}</span>
          </span>
        </RadioButton>
      </RadioField>
      {reason && (
        <p className="mt-0.5 flex flex-wrap items-center gap-x-2 pl-6 text-xs text-warn">
          <span>{t("exports.cannot", { reason: translate(t, reason), interpolation: { escapeValue: false } })}</span>
          {instead && (
            <Button size="sm" variant="quiet" onPress={() => onTake(instead)}>
              {t("exports.instead", { kind: t(`exports.kind.${instead}`) })}
            </Button>
          )}
        </p>
      )}
    </div>
  );
}

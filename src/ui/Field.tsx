/** @file What every form field shares: its word, its unit, its sentence, its error. */

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Term, type TermName } from "./Term";

export type FieldProps = {
  /** The label; left out where `term` gives it. */
  label?: string;
  /** Makes the label a word that explains itself. */
  term?: TermName;
  /** One quiet line below. */
  note?: ReactNode;
  error?: string | undefined;
  /** The label is read out but not shown. */
  hideLabel?: boolean;
  className?: string;
};

export const inputClass =
  "w-full min-w-0 rounded-md border border-line bg-surface px-2 text-sm text-ink placeholder:text-faint " +
  "hover:border-edge/70 data-invalid:border-bad disabled:opacity-50";

/** The words a control inside a `Field` carries for screen readers. */
export function useFieldLabel({ label, term }: Pick<FieldProps, "label" | "term">): string {
  const { t } = useTranslation();
  return label ?? (term ? t(`terms.${term}.word`) : "");
}

export function Field({
  label,
  term,
  note,
  error,
  hideLabel,
  className,
  children,
}: FieldProps & { children: ReactNode }) {
  return (
    <div className={`flex min-w-0 flex-col gap-1 ${className ?? ""}`}>
      {!hideLabel && (
        <div className="text-xs text-muted">
          {term ? <Term name={term}>{label}</Term> : <span aria-hidden="true">{label}</span>}
        </div>
      )}
      {children}
      {error ? (
        <p role="alert" className="text-xs text-bad">
          {error}
        </p>
      ) : (
        note && <p className="text-xs text-faint">{note}</p>
      )}
    </div>
  );
}

/** @file A number with its unit. Takes 2e-3 as readily as 0.002; the arrow keys step it. */

import { type KeyboardEvent, useState } from "react";
import { Input } from "react-aria-components/Input";
import { TextField as AriaTextField } from "react-aria-components/TextField";
import { useTranslation } from "react-i18next";
import { Field, type FieldProps, inputClass, useFieldLabel } from "./Field";

type NumberProps = FieldProps & {
  value: number;
  onChange: (value: number) => void;
  /** Shown after the number. */
  unit?: string;
  minimum?: number;
  maximum?: number;
  /** What an arrow key adds; `"double"` doubles and halves instead, for quantities that live on a log scale. */
  step?: number | "double";
  isDisabled?: boolean;
};

/** Small numbers in the form the field writes them: 2e-3. */
export function writeNumber(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential().replace("e+", "e") : String(value);
}

export function NumberField({
  value,
  onChange,
  unit,
  minimum = -Infinity,
  maximum = Infinity,
  step = 1,
  isDisabled,
  ...field
}: NumberProps) {
  const { t } = useTranslation();
  const label = useFieldLabel(field);
  /** What is being typed, and the value it started from. */
  const [typing, setTyping] = useState<{ text: string; from: number } | null>(null);
  const parse = (text: string) => (text.trim() === "" ? Number.NaN : Number(text));
  // A value that came from elsewhere meanwhile is shown in place of what was typed.
  const draft = typing && (value === typing.from || value === parse(typing.text)) ? typing.text : null;
  const typed = draft === null ? value : parse(draft);
  const outside = !Number.isFinite(typed)
    ? t("field.notNumber")
    : typed < minimum
      ? t("field.tooSmall", { minimum: writeNumber(minimum) })
      : typed > maximum
        ? t("field.tooBig", { maximum: writeNumber(maximum) })
        : undefined;

  const set = (text: string) => {
    setTyping({ text, from: value });
    const number = parse(text);
    if (Number.isFinite(number) && number >= minimum && number <= maximum && number !== value) onChange(number);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") setTyping(null);
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const sign = event.key === "ArrowUp" ? 1 : -1;
    const next = step === "double" ? value * 2 ** sign : value + sign * step * (event.shiftKey ? 10 : 1);
    set(writeNumber(Math.min(maximum, Math.max(minimum, Number(next.toPrecision(10))))));
  };
  const error = field.error ?? (draft === null ? undefined : outside);
  return (
    <Field {...field} error={error}>
      <AriaTextField
        aria-label={label}
        value={draft ?? writeNumber(value)}
        onChange={set}
        onBlur={() => setTyping(null)}
        isInvalid={Boolean(error)}
        isDisabled={isDisabled ?? false}
        inputMode="decimal"
        className="relative"
      >
        <Input className={`${inputClass} h-8 font-mono ${unit ? "pr-14" : ""}`} onKeyDown={onKeyDown} />
        {unit && (
          <span className="pointer-events-none absolute inset-y-0 right-2 flex items-center text-xs text-faint">
            {unit}
          </span>
        )}
      </AriaTextField>
    </Field>
  );
}

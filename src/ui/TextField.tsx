/** @file One line, or several, of text. */

import { Input } from "react-aria-components/Input";
import { TextArea as AriaTextArea } from "react-aria-components/TextArea";
import { TextField as AriaTextField } from "react-aria-components/TextField";
import { classes } from "./classes";
import { Field, type FieldProps, inputClass, useFieldLabel } from "./Field";

type TextProps = FieldProps & {
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  isDisabled?: boolean;
  isReadOnly?: boolean;
  autoFocus?: boolean;
  /** For code, tokens and templates. */
  mono?: boolean;
};

export function TextField({
  value,
  onChange,
  placeholder,
  mono,
  isDisabled,
  isReadOnly,
  autoFocus,
  ...field
}: TextProps) {
  const label = useFieldLabel(field);
  return (
    <Field {...field}>
      <AriaTextField
        aria-label={label}
        value={value}
        onChange={onChange}
        isInvalid={Boolean(field.error)}
        isDisabled={isDisabled ?? false}
        isReadOnly={isReadOnly ?? false}
        autoFocus={autoFocus ?? false}
      >
        <Input placeholder={placeholder ?? ""} className={classes(inputClass, "h-8", mono && "font-mono")} />
      </AriaTextField>
    </Field>
  );
}

type AreaProps = TextProps & {
  rows?: number;
  onKeyDown?: (event: React.KeyboardEvent<HTMLTextAreaElement>) => void;
};

export function TextArea({
  value,
  onChange,
  placeholder,
  mono,
  rows = 3,
  onKeyDown,
  isDisabled,
  isReadOnly,
  autoFocus,
  ...field
}: AreaProps) {
  const label = useFieldLabel(field);
  return (
    <Field {...field}>
      <AriaTextField
        aria-label={label}
        value={value}
        onChange={onChange}
        isInvalid={Boolean(field.error)}
        isDisabled={isDisabled ?? false}
        isReadOnly={isReadOnly ?? false}
        autoFocus={autoFocus ?? false}
        className="flex min-h-0 flex-1 flex-col"
      >
        <AriaTextArea
          rows={rows}
          placeholder={placeholder ?? ""}
          spellCheck={!mono}
          className={classes(inputClass, "resize-y py-1.5", mono && "font-mono text-xs")}
          onKeyDown={onKeyDown}
        />
      </AriaTextField>
    </Field>
  );
}

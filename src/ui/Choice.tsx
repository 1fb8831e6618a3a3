/** @file One choice of a few, all in view, each with what it means. */

import { RadioButton, RadioField, RadioGroup } from "react-aria-components/RadioGroup";
import type { Option } from "./Select";

type ChoiceProps<K extends string> = {
  label: string;
  options: readonly Option<K>[];
  value: K;
  onChange: (value: K) => void;
  isDisabled?: boolean;
  /** Side by side; for short words without descriptions. */
  isRow?: boolean;
};

export function Choice<K extends string>({ label, options, value, onChange, isDisabled, isRow }: ChoiceProps<K>) {
  return (
    <RadioGroup
      aria-label={label}
      value={value}
      onChange={(id) => {
        const chosen = options.find((option) => option.id === id);
        if (chosen) onChange(chosen.id);
      }}
      isDisabled={isDisabled ?? false}
      orientation={isRow ? "horizontal" : "vertical"}
      className={`flex ${isRow ? "flex-wrap gap-5" : "flex-col gap-2.5"}`}
    >
      {options.map((option) => (
        <RadioField key={option.id} value={option.id}>
          <RadioButton className="group flex items-start gap-2 text-sm data-disabled:opacity-45 data-focus-visible:outline-none">
            <span className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-full border border-edge bg-surface outline-offset-2 group-data-focus-visible:outline-2 group-data-focus-visible:outline-accent group-data-selected:border-[5px] group-data-selected:border-accent" />
            <span className="flex flex-col">
              {option.label}
              {option.description && <span className="text-xs text-muted">{option.description}</span>}
            </span>
          </RadioButton>
        </RadioField>
      ))}
    </RadioGroup>
  );
}

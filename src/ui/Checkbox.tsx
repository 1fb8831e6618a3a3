/** @file A box to tick. */

import type { ReactNode } from "react";
import { CheckboxButton, CheckboxField } from "react-aria-components/Checkbox";
import { Icon } from "./Icon";

type CheckboxProps = {
  children?: ReactNode;
  label?: string;
  value: boolean;
  onChange: (value: boolean) => void;
  isDisabled?: boolean;
};

/** `label` names a box that has no text beside it. */
export function Checkbox({ children, label, value, onChange, isDisabled }: CheckboxProps) {
  return (
    <CheckboxField
      {...(label ? { "aria-label": label } : {})}
      isSelected={value}
      onChange={onChange}
      isDisabled={isDisabled ?? false}
    >
      <CheckboxButton className="group flex items-center gap-2 text-sm data-disabled:opacity-45 data-focus-visible:outline-none">
        <span className="flex size-4 shrink-0 items-center justify-center rounded-sm border border-edge bg-surface text-on-accent outline-offset-2 group-data-focus-visible:outline-2 group-data-focus-visible:outline-accent group-data-selected:border-accent group-data-selected:bg-accent">
          <Icon name="check" size={12} className="invisible group-data-selected:visible" />
        </span>
        {children}
      </CheckboxButton>
    </CheckboxField>
  );
}

/** @file On or off, at once. */

import type { ReactNode } from "react";
import { SwitchButton, SwitchField } from "react-aria-components/Switch";

type SwitchProps = { children: ReactNode; value: boolean; onChange: (value: boolean) => void; isDisabled?: boolean };

export function Switch({ children, value, onChange, isDisabled }: SwitchProps) {
  return (
    <SwitchField isSelected={value} onChange={onChange} isDisabled={isDisabled ?? false}>
      <SwitchButton className="group flex items-center gap-2 text-sm data-disabled:opacity-45 data-focus-visible:outline-none">
        <span className="flex h-4 w-7 shrink-0 items-center rounded-full border border-edge bg-sunken px-0.5 outline-offset-2 group-data-focus-visible:outline-2 group-data-focus-visible:outline-accent group-data-selected:border-accent group-data-selected:bg-accent">
          <span className="size-2.5 rounded-full bg-edge group-data-selected:translate-x-3 group-data-selected:bg-on-accent" />
        </span>
        {children}
      </SwitchButton>
    </SwitchField>
  );
}

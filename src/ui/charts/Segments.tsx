/** @file A few views of the same thing, one pressed in. */

import { ToggleButton } from "react-aria-components/ToggleButton";
import { ToggleButtonGroup } from "react-aria-components/ToggleButtonGroup";

type SegmentsProps<K extends string> = {
  label: string;
  options: readonly { id: K; label: string }[];
  value: K;
  onChange: (value: K) => void;
};

const segment =
  "h-6 px-2 text-xs text-muted first:rounded-l-md last:rounded-r-md border border-line -ml-px first:ml-0 cursor-default " +
  "data-hovered:bg-hover data-selected:bg-accent-soft data-selected:text-accent-ink data-selected:z-1 data-focus-visible:z-2";

export function Segments<K extends string>({ label, options, value, onChange }: SegmentsProps<K>) {
  return (
    <ToggleButtonGroup
      aria-label={label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const chosen = options.find(({ id }) => keys.has(id));
        if (chosen) onChange(chosen.id);
      }}
      className="flex"
    >
      {options.map(({ id, label }) => (
        <ToggleButton key={id} id={id} className={segment}>
          {label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

/** One thing on or off, as small as a segment. */
export function SmallToggle({
  label,
  value,
  onChange,
}: {
  label: string;
  value: boolean;
  onChange: (value: boolean) => void;
}) {
  return (
    <ToggleButton isSelected={value} onChange={onChange} className={`${segment} rounded-md`}>
      {label}
    </ToggleButton>
  );
}

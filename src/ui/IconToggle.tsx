/** @file One thing on or off, as a small icon whose label is its tooltip. */

import { ToggleButton } from "react-aria-components/ToggleButton";
import { Icon, type IconName } from "./Icon";
import { Tooltip } from "./Tooltip";

const tones = {
  good: "data-selected:bg-good-soft data-selected:text-good",
  bad: "data-selected:bg-bad-soft data-selected:text-bad",
} as const;

type IconToggleProps = {
  /** Read out, and shown as the tooltip. */
  label: string;
  icon: IconName;
  tone: keyof typeof tones;
  isOn: boolean;
  onPress: () => void;
};

export function IconToggle({ label, icon, tone, isOn, onPress }: IconToggleProps) {
  return (
    <Tooltip text={label}>
      <ToggleButton
        aria-label={label}
        isSelected={isOn}
        onChange={onPress}
        className={`inline-flex size-6 cursor-default items-center justify-center rounded-md text-muted data-hovered:bg-hover data-hovered:text-ink ${tones[tone]}`}
      >
        <Icon name={icon} size={14} />
      </ToggleButton>
    </Tooltip>
  );
}

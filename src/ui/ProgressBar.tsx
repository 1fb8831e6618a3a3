/** @file How far a task is. */

import { ProgressBar as AriaProgressBar } from "react-aria-components/ProgressBar";

type ProgressProps = {
  label: string;
  /** 0–1; left out while the end is not known. */
  value?: number | undefined;
  /** Shows the label above the bar; else it is only read out. */
  showLabel?: boolean;
  className?: string;
};

export function ProgressBar({ label, value, showLabel, className }: ProgressProps) {
  return (
    <AriaProgressBar
      aria-label={label}
      minValue={0}
      maxValue={1}
      {...(value === undefined ? { isIndeterminate: true } : { value })}
      className={`flex flex-col gap-1 ${className ?? ""}`}
    >
      {({ percentage, isIndeterminate }) => (
        <>
          {showLabel && <span className="text-xs text-muted">{label}</span>}
          <span className="block h-1 overflow-hidden rounded-full bg-line">
            <span
              className={`block h-full rounded-full bg-accent ${isIndeterminate ? "w-1/4 animate-pulse" : ""}`}
              style={isIndeterminate ? undefined : { width: `${percentage ?? 0}%` }}
            />
          </span>
        </>
      )}
    </AriaProgressBar>
  );
}

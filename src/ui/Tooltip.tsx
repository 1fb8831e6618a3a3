/** @file A short text that appears when its trigger is hovered or focused. */

import type { ReactNode } from "react";
import { Tooltip as AriaTooltip, TooltipTrigger } from "react-aria-components/Tooltip";

export const tooltipClass =
  "max-w-72 rounded-md bg-tip px-2.5 py-1.5 text-xs text-on-tip shadow-over z-50 pointer-events-none";

/** `children` is one focusable element: a Button, an IconButton, or `Focusable` around something else. */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      {children}
      <AriaTooltip offset={6} className={tooltipClass}>
        {text}
      </AriaTooltip>
    </TooltipTrigger>
  );
}

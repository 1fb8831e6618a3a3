/** @file A colour and what it stands for. */

import type { ReactNode } from "react";

export function Legend({ className, children }: { className: string; children: ReactNode }) {
  return (
    <span className="flex items-center gap-1 whitespace-nowrap">
      <span className={`size-2 rounded-[1px] ${className}`} aria-hidden="true" />
      {children}
    </span>
  );
}

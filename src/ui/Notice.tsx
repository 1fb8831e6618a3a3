/** @file Something to know where one looks: neither an error nor decoration. */

import type { ReactNode } from "react";
import { Icon } from "./Icon";

const tones = { info: "border-line bg-surface", warn: "border-warn/40 bg-warn-soft" } as const;

export function Notice({
  tone = "info",
  children,
  action,
}: {
  tone?: keyof typeof tones;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div role="status" className={`flex items-start gap-2 rounded-md border px-3 py-2 text-sm ${tones[tone]}`}>
      <Icon
        name={tone === "warn" ? "warning" : "info"}
        className={`mt-0.5 ${tone === "warn" ? "text-warn" : "text-faint"}`}
      />
      <div className="min-w-0 flex-1">{children}</div>
      {action}
    </div>
  );
}

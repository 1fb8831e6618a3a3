/** @file Nothing here yet: what would be, and how to get it. */

import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

type EmptyProps = { icon?: IconName; title: string; children?: ReactNode; action?: ReactNode };

export function EmptyState({ icon, title, children, action }: EmptyProps) {
  return (
    <div className="m-auto flex max-w-100 flex-col items-center gap-2 px-4 py-12 text-center">
      {icon && <Icon name={icon} size={24} className="text-faint" />}
      <p className="text-base font-medium">{title}</p>
      {children && <div className="text-sm text-muted">{children}</div>}
      {action && <div className="mt-2 flex gap-2">{action}</div>}
    </div>
  );
}

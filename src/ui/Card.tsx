/** @file A part of a page with its own heading, set off by lines. */

import { type ReactNode, useId } from "react";

type CardProps = { title?: ReactNode; actions?: ReactNode; children: ReactNode; className?: string; flush?: boolean };

/** `flush` leaves the content's margin to the content (tables, charts). */
export function Card({ title, actions, children, className, flush }: CardProps) {
  const id = useId();
  return (
    <section
      {...(title ? { "aria-labelledby": id } : {})}
      className={`flex min-w-0 flex-col rounded-lg border border-line bg-surface ${className ?? ""}`}
    >
      {(title || actions) && (
        <header className="flex min-h-10 items-center justify-between gap-2 px-4 pt-2">
          <h2 id={id} className="truncate text-sm text-ink">
            {title}
          </h2>
          {actions && <div className="flex items-center gap-1">{actions}</div>}
        </header>
      )}
      <div className={`min-h-0 flex-1 ${flush ? "" : "px-4 pt-1 pb-4"}`}>{children}</div>
    </section>
  );
}

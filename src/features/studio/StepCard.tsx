/** @file One of the four parts of the guided flow: its number and name, its choice in one line, its picture. */

import { type ReactNode, useId } from "react";

type StepCardProps = {
  number: number;
  title: string;
  /** The choice, in one line. */
  line: ReactNode;
  /** The one or two things worth changing before a first run. */
  controls?: ReactNode;
  children: ReactNode;
  aside?: ReactNode;
};

export function StepCard({ number, title, line, controls, children, aside }: StepCardProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="flex min-w-0 flex-col gap-3 bg-surface p-4">
      <header className="flex min-h-6 items-center justify-between gap-2">
        <h2 id={id} className="flex items-baseline gap-2 text-base">
          <span className="font-mono text-xs font-normal text-faint">{number}</span>
          {title}
        </h2>
        {aside}
      </header>
      {controls}
      <p className="min-h-10 text-sm text-muted">{line}</p>
      <div className="flex min-h-0 flex-1 flex-col">{children}</div>
    </section>
  );
}

/** A label and its figure. */
export function Figure({ label, children }: { label: ReactNode; children: ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-3 border-t border-line/70 py-1 text-sm first:border-0">
      <dt className="text-xs text-muted">{label}</dt>
      <dd className="text-right font-mono text-xs">{children}</dd>
    </div>
  );
}

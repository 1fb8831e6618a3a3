/** @file A page's frame: its title line with the one main action at the right, and its content. */

import { type ReactNode, useEffect } from "react";

type PageProps = {
  title: string;
  /** Beside the title: where one is, how it stands. */
  aside?: ReactNode;
  /** Buttons at the right, the main one last. */
  actions?: ReactNode;
  children: ReactNode;
  /** The content scrolls itself (tables, panes); else the page does. */
  fill?: boolean;
};

export function Page({ title, aside, actions, children, fill }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Anneal`;
  }, [title]);
  return (
    <div className={`flex min-h-full flex-col ${fill ? "h-full" : ""}`}>
      <header className="sticky top-0 z-20 flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-1 border-b border-line bg-page px-4 py-2 lg:px-6">
        <div className="flex min-w-0 flex-wrap items-baseline gap-x-3">
          <h1 className="truncate text-lg">{title}</h1>
          {aside && <div className="text-sm text-muted">{aside}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      <div className={`flex-1 ${fill ? "flex min-h-0 flex-col" : "p-4 lg:px-6"}`}>{children}</div>
    </div>
  );
}

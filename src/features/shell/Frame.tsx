/** @file The frame of every page: rail, content, status line; and the keys that work everywhere. */

import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { openPalette } from "../../state/shell";
import { Rail } from "./Rail";
import { StatusLine } from "./StatusLine";

/** It reads the runs, which the first paint does not wait for. */
const InterruptedBanner = lazy(() => import("./InterruptedBanner"));

export function Frame({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey)
        return;
      event.preventDefault();
      openPalette();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
  return (
    <div className="flex h-dvh flex-col bg-page text-ink">
      <a
        href="#content"
        className="sr-only z-50 rounded-md bg-surface px-3 py-2 focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
      >
        {t("shell.skip")}
      </a>
      <div className="flex min-h-0 flex-1 flex-col sm:flex-row">
        <Rail />
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <Suspense>
            <InterruptedBanner />
          </Suspense>
          <main id="content" tabIndex={-1} className="min-h-0 min-w-0 flex-1 overflow-y-auto outline-none">
            {children}
          </main>
        </div>
      </div>
      <StatusLine />
    </div>
  );
}

/** @file The page's colours as numbers, for drawings that its style sheet cannot reach; new when the theme changes. */

import { useMemo, useSyncExternalStore } from "react";
import type { Palette, Rgb } from "./scale";

function watchTheme(listener: () => void) {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => observer.disconnect();
}

const currentTheme = () => document.documentElement.dataset["theme"] ?? "";

/** Of a variable that theme.css writes as #rrggbb. */
function readColor(name: string): Rgb {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const part = (at: number) => Number.parseInt(text.slice(at, at + 2), 16) || 0;
  return [part(1), part(3), part(5)];
}

export function usePalette(): Palette {
  const theme = useSyncExternalStore(watchTheme, currentTheme);
  return useMemo(() => {
    void theme; // what the variables say depends on it
    return {
      low: readColor("--series-1"),
      middle: readColor("--hover"),
      high: readColor("--series-2"),
      none: readColor("--surface"),
    };
  }, [theme]);
}

/** @file The page's colours as numbers, for drawings that its style sheet cannot reach; new when the theme changes. */

import { useMemo, useSyncExternalStore } from "react";
import { type Palette, parseColor } from "./scale";

function watchTheme(listener: () => void) {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => observer.disconnect();
}

const currentTheme = () => document.documentElement.dataset["theme"] ?? "";

const readColor = (name: string) => parseColor(getComputedStyle(document.documentElement).getPropertyValue(name));

export function usePalette(): Palette {
  const theme = useSyncExternalStore(watchTheme, currentTheme);
  return useMemo(() => {
    void theme; // what the variables say depends on it
    return {
      low: readColor("--series-1"),
      middle: readColor("--hover"),
      high: readColor("--series-2"),
      none: readColor("--surface"),
      mark: readColor("--series-3"),
    };
  }, [theme]);
}

/** @file The page's colours as numbers, for drawings that its style sheet cannot reach; new when the theme changes. */

import { useSyncExternalStore } from "react";
import { type Palette, parseColor } from "./scale";

function watchTheme(listener: () => void) {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => observer.disconnect();
}

const palettes = new Map<string, Palette>();

/** The same object as long as the theme stays. */
function currentPalette(): Palette {
  const theme = document.documentElement.dataset["theme"] ?? "";
  const known = palettes.get(theme);
  if (known) return known;
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => parseColor(style.getPropertyValue(name));
  const palette = {
    low: read("--series-1"),
    middle: read("--hover"),
    high: read("--series-2"),
    none: read("--surface"),
    mark: read("--series-3"),
  };
  palettes.set(theme, palette);
  return palette;
}

export const usePalette = (): Palette => useSyncExternalStore(watchTheme, currentPalette);

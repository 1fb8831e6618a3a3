/** @file What a person has set for this browser: the theme and the backend. Kept in localStorage. */

import { create } from "zustand";
import type { BackendChoice } from "../core/engine";

export const themeChoices = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof themeChoices)[number];

export const backendChoices = ["auto", "webgpu", "wasm", "cpu"] as const satisfies readonly BackendChoice[];

export type Settings = {
  theme: ThemeChoice;
  backend: BackendChoice;
  /** Where models are downloaded from: the hub, or a mirror that serves the same paths. */
  hubHost: string;
};

const key = "anneal.settings";
const defaults: Settings = { theme: "system", backend: "auto", hubHost: "https://huggingface.co" };

/** Whatever is stored, by whatever version: unknown values fall back to the defaults. */
export function parseSettings(stored: string | null): Settings {
  try {
    const value = JSON.parse(stored ?? "{}") as Partial<Record<string, unknown>> | null;
    return {
      theme: themeChoices.find((choice) => choice === value?.["theme"]) ?? defaults.theme,
      backend: backendChoices.find((choice) => choice === value?.["backend"]) ?? defaults.backend,
      hubHost: typeof value?.["hubHost"] === "string" ? value["hubHost"] : defaults.hubHost,
    };
  } catch {
    return defaults; // a hand-edited value must not keep the studio from opening
  }
}

export const useSettings = create<Settings>(() => parseSettings(localStorage.getItem(key)));

export function saveSettings(changes: Partial<Settings>) {
  useSettings.setState(changes);
  localStorage.setItem(key, JSON.stringify(useSettings.getState()));
}

/** The theme in force, once the system's own has been asked. */
export type Theme = "light" | "dark";

const dark = matchMedia("(prefers-color-scheme: dark)");

export function currentTheme(): Theme {
  const { theme } = useSettings.getState();
  return theme === "system" ? (dark.matches ? "dark" : "light") : theme;
}

/** Puts the theme on the page and keeps it there while the system or the choice changes. */
export function startTheme() {
  const apply = () => {
    document.documentElement.dataset["theme"] = currentTheme();
  };
  apply();
  dark.addEventListener("change", apply);
  useSettings.subscribe(apply);
}

/** @file Starts the translation library with the words that ship; keys are checked by the compiler. */

import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "./en";
import type { enLater } from "./enLater";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en & typeof enLater };
    returnNull: false;
  }
}

/** To be awaited before the first render. */
export async function loadWords(): Promise<void> {
  await i18n.use(initReactI18next).init({
    resources: { en: { translation: en } },
    lng: "en",
    fallbackLng: "en",
    interpolation: { escapeValue: false },
    returnNull: false,
  });
}

/** The words of all other pages: to be awaited before one of them is rendered. */
export async function loadMoreWords(): Promise<void> {
  const { enLater } = await import("./enLater");
  i18n.addResourceBundle("en", "translation", enLater, true, true);
}

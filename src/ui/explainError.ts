/** @file The words for any error whatever, in the language of the page. */

import type { TFunction } from "i18next";
import { explain } from "../core/errors";

export type Explanation = { code: string; title: string; hint: string; detail: string };

export function explainError(t: TFunction, error: unknown): Explanation {
  const words = explain(error);
  const say = t as unknown as (key: string, fallback: string) => string;
  return {
    ...words,
    title: say(`error.${words.code}.title`, words.title),
    hint: say(`error.${words.code}.hint`, words.hint),
  };
}

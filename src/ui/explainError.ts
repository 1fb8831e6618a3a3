/** @file The words for any error whatever, in the language of the page. */

import type { TFunction } from "i18next";
import { explain, toWire } from "../core/errors";
import { translate } from "./words/translate";

export type Explanation = { code: string; title: string; hint: string; detail: string };

export function explainError(t: TFunction, error: unknown): Explanation {
  const words = explain(error);
  const { detail } = toWire(error);
  const say = t as unknown as (key: string, fallback: string) => string;
  return {
    ...words,
    title: say(`error.${words.code}.title`, words.title),
    hint: say(`error.${words.code}.hint`, words.hint),
    detail: detail && words.detail !== "" ? translate(t, detail) : words.detail,
  };
}

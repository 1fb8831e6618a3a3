/** @file A sentence with values in the language of the page: the English sentence is its own key. */

import type { TFunction } from "i18next";
import { fill, type Said } from "../../core/say";

/**
 * Looks the sentence up in the namespace `details`, where English needs no entry. The values are filled in here, in one
 * pass: braces and `$t(…)` that stand in a file or in a library's message must stay the text they are.
 */
export function translate(t: TFunction, { key, values }: Said): string {
  const look = t as unknown as (key: string, options: object) => string;
  const words = look(key, { ns: "details", keySeparator: false, nsSeparator: false, skipInterpolation: true });
  return fill(words, values, (said) => translate(t, said));
}

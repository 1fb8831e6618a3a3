/** @file A sentence and the values in it, told apart, so that another language can say the same. */

export type Value = string | number | Said;

/** `key` is the English sentence with {{0}}, {{1}} … where `values` stand. Plain data: it crosses wires and is stored. */
export type Said = { key: string; values: Value[] };

/**
 * say`Line ${line}: the quote is never closed` → { key: "Line {{0}}: the quote is never closed", values: [line] }.
 * What an outside library said is a value, not part of the sentence. A number that JSON cannot hold becomes its text.
 */
export function say(parts: TemplateStringsArray, ...values: Value[]): Said {
  const key = parts.map((part, i) => (i === 0 ? part : `{{${i - 1}}}${part}`)).join("");
  return {
    key,
    values: values.map((value) => (Number.isFinite(value) || typeof value !== "number" ? value : `${value}`)),
  };
}

/** A whole sentence that comes as text, with nothing in it to fill in. */
export const sentence = (text: string): Said => ({ key: text, values: [] });

/**
 * Puts the values into a sentence of any language. In one pass, so that braces within a value stay what they are;
 * a place that has no value stays as it stands.
 */
export function fill(words: string, values: readonly Value[], inWords: (said: Said) => string): string {
  return words.replace(/\{\{(\d+)\}\}/g, (place, index: string) => {
    const value = values[Number(index)];
    return value === undefined ? place : typeof value === "object" ? inWords(value) : String(value);
  });
}

/** In English. */
export const textOf = ({ key, values }: Said): string => fill(key, values, textOf);

const isValue = (value: unknown): value is Value =>
  typeof value === "string" || typeof value === "number" || (typeof value === "object" && parseSaid(value) !== null);

/** Reads what was stored, null where it is nothing of the kind. Sentences were plain text once. */
export function parseSaid(stored: unknown): Said | null {
  if (typeof stored === "string") return sentence(stored);
  const { key, values } = (stored ?? {}) as Partial<Said>;
  return typeof key === "string" && Array.isArray(values) && values.every(isValue) ? { key, values } : null;
}

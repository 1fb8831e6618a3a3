/** @file A text cut into words, numbers and signs in one pass, for the rules that find what carries logic. */

import type { Span } from "../core/dataset";

/**
 * `han`: one Chinese character, as words have no spaces there; `end`: a line break. What is between them is white space.
 * `text` of a word is in lower case, and so is what rules compare it with.
 */
export type Lexeme = { kind: "number" | "word" | "han" | "sign" | "end"; start: number; end: number; text: string };

type Class = "space" | "digit" | "letter" | "han" | "end" | "sign";

function classify(character: string): Class {
  if (character === "\n") return "end";
  if (/^[\d０-９]/.test(character)) return "digit";
  if (/^\p{Script=Han}/u.test(character)) return "han";
  if (/^[\p{L}\p{M}_]/u.test(character)) return "letter";
  return /^\s/.test(character) ? "space" : "sign";
}

/** Classes by UTF-16 unit, filled as they are met. */
const classes: (Class | undefined)[] = [];

function classAt(text: string, at: number): Class {
  const unit = text.charCodeAt(at);
  const isPair = (unit & 0xfc00) === 0xd800;
  if (isPair) return classify(String.fromCodePoint(text.codePointAt(at) ?? 0));
  return (classes[unit] ??= classify(text.charAt(at)));
}

const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

/** The end of the number at `at`: digits, and marks between digits. */
function numberEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && classAt(text, end) === "digit") {
    end++;
    if (".,:/".includes(text.charAt(end)) && end + 1 < text.length && classAt(text, end + 1) === "digit") end++;
  }
  return end;
}

/** The end of the word at `at`: letters and digits, and one apostrophe with what follows it. */
function wordEnd(text: string, at: number): number {
  const run = (from: number): number => {
    let end = from;
    while (end < text.length) {
      const kind = classAt(text, end);
      if (kind !== "letter" && kind !== "digit") break;
      end += widthAt(text, end);
    }
    return end;
  };
  const end = run(at);
  const hasMore = /['’]/.test(text.charAt(end)) && end + 1 < text.length && classAt(text, end + 1) === "letter";
  return hasMore ? run(end + 1) : end;
}

/** The lexemes of a text in their order, in time linear in its length. */
export function newLexemes(text: string): Lexeme[] {
  const lexemes: Lexeme[] = [];
  for (let at = 0; at < text.length; ) {
    const found = classAt(text, at);
    const start = at;
    if (found === "digit") at = numberEnd(text, at);
    else if (found === "letter") at = wordEnd(text, at);
    else at += widthAt(text, at);
    if (found === "space") continue;
    const kind = found === "digit" ? "number" : found === "letter" ? "word" : found;
    const own = at - start === 1 ? text.charAt(start) : text.slice(start, at);
    lexemes.push({ kind, start, end: at, text: kind === "word" ? own.toLowerCase() : own });
  }
  return lexemes;
}

/** Spans of the marked parts of a text, which are in order; neighbours are one span, with the space between them. */
export function spansOfMarks(parts: readonly { start: number; end: number }[], marks: Uint8Array): Span[] {
  const spans: Span[] = [];
  let open: Span | null = null;
  parts.forEach(({ start, end }, i) => {
    if (marks[i] !== 1) open = null;
    else if (open) open[1] = end;
    else spans.push((open = [start, end]));
  });
  return spans;
}

/** One form for one and many, of a word in lower case: "boxes" and "box", "cakes" and "cake". */
export const stemOf = (word: string): string => {
  let end = word.length;
  if (word.endsWith("s", end)) end--;
  if (word.endsWith("'", end) || word.endsWith("’", end)) end--;
  if (word.endsWith("e", end)) end--;
  return word.slice(0, end);
};

/** Spans in order, those that overlap or touch as one, empty ones left out. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const sorted = spans.filter(([start, end]) => end > start).sort((a, b) => a[0] - b[0]);
  const merged: Span[] = [];
  for (const [start, end] of sorted) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

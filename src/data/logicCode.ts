/** @file What carries logic in code: keywords, operators, literals, and names from where they are defined on. */

import type { Span } from "../core/dataset";
import { spansOfMarks } from "./logicText";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Keywords after which the next name is a definition; `(` opens names that are defined too. */
const definers = words(
  "def class function const let var fn func struct enum interface type import as for lambda public private static int " +
    "float double string bool char void auto val mut fun trait impl namespace module",
);
const keywords = words(
  "def class function const let var return if else elif for while do break continue switch case match import from as " +
    "export try except catch finally throw raise with yield await async lambda in is not and or new this self null None " +
    "True False true false undefined nil pass del global nonlocal assert struct enum interface type fn func static " +
    "public private protected extends implements super typeof instanceof delete void int float double bool char",
);
const operators = "+-*/%=<>!&|^~?:@";
const rules = /(\d[\w.]*)|([\p{L}_$][\p{L}\p{M}\p{N}_$]*)|(\n)|(\S)/gu;

type Part = { kind: "number" | "name" | "end" | "sign" | "string"; start: number; end: number; text: string };

/**
 * The parts of code in their order. A string ends on its own line, and a quote within a word is none; comments after `#`
 * and `//` are left out. Each line is looked at a fixed number of times, whatever quotes it has.
 */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  const rule = new RegExp(rules);
  /** Up to here no quote of this kind closes any more. */
  const openUntil = new Map<string, number>();
  for (let match = rule.exec(text); match; match = rule.exec(text)) {
    const [own, number, name, end] = match;
    const start = match.index;
    const isComment = own === "#" || (own === "/" && text[start + 1] === "/");
    const before = parts.at(-1);
    const isApostrophe = own === "'" && before?.kind === "name" && before.end === start;
    if (isComment) {
      const stop = text.indexOf("\n", start);
      rule.lastIndex = stop < 0 ? text.length : stop;
    } else if ("\"'`".includes(own) && !isApostrophe && start >= (openUntil.get(own) ?? 0)) {
      const close = stringEnd(text, start);
      if (close.isClosed) {
        parts.push({ kind: "string", start, end: close.at, text: "" });
        rule.lastIndex = close.at;
      } else openUntil.set(own, close.at);
    } else {
      const kind = number !== undefined ? "number" : name !== undefined ? "name" : end !== undefined ? "end" : "sign";
      parts.push({ kind, start, end: rule.lastIndex, text: own });
    }
  }
  return parts;
}

/** Behind the quote that closes the one at `start`, or the end of its line. */
function stringEnd(text: string, start: number): { at: number; isClosed: boolean } {
  const quote = text[start];
  let at = start + 1;
  for (; at < text.length && text[at] !== "\n"; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === quote) return { at: at + 1, isClosed: true };
  }
  return { at: Math.min(at, text.length), isClosed: false };
}

/** Whether a sign at `i` gives the name before it a value: `=` and `:=`, but no comparison. */
function assigns(parts: readonly Part[], i: number): boolean {
  const sign = (j: number) => (parts[j]?.kind === "sign" ? parts[j].text : "");
  if (sign(i) === ":" && sign(i + 1) === "=") return true;
  return sign(i) === "=" && sign(i + 1) !== "=" && sign(i + 1) !== ">";
}

/** Spans, sorted and apart. Linear in the text's length. */
export function annotateCode(text: string): Span[] {
  const parts = partsOf(text);
  const marks = new Uint8Array(parts.length);
  const defined = new Set<string>();
  /** A keyword has just announced a name; depth of the brackets of its parameters, 0 outside. */
  let isDefining = false;
  let depth = 0;
  let mayOpen = false;
  parts.forEach(({ kind, text: own }, i) => {
    if (kind === "end") [isDefining, mayOpen] = [false, false];
    if (kind === "sign") {
      if (own === "(" || own === "{") {
        if (mayOpen || depth > 0) depth++;
        else if (isDefining) depth = 1; // `import { a, b }`, `function (a, b)`
        [isDefining, mayOpen] = [false, false];
      } else if (own === ")" || own === "}") depth = Math.max(0, depth - 1);
    }
    const isOperator = kind === "sign" && operators.includes(own);
    if (kind === "number" || kind === "string" || isOperator || (kind === "name" && keywords.has(own))) marks[i] = 1;
    if (kind !== "name") return;
    if (definers.has(own)) isDefining = true;
    else if (!keywords.has(own)) {
      if (isDefining || depth > 0 || assigns(parts, i + 1)) defined.add(own);
      if (isDefining) mayOpen = true;
      isDefining = false;
      if (defined.has(own)) marks[i] = 1;
    }
  });
  return spansOfMarks(parts, marks);
}

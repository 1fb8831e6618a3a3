/** @file Checks JSON (RFC 8259) byte by byte as it comes, in flat memory, and tells where values begin and end. */

import { type Said, say } from "../core/say";

/** Where and why bytes are not JSON. Lines, and the bytes of a line, count from 1. */
export type JsonProblem = { line: number; byte: number; reason: Said };

/** Is told of the values, and the keys of records, that lie in at most `depth` lists and records. Offsets count from 0. */
export type JsonListener = {
  depth: number;
  begin: (depth: number, first: number, offset: number, isKey: boolean, line: number) => void;
  /** `offset` is that of the byte after it. */
  end: (depth: number, offset: number, isKey: boolean) => void;
};

type NumberState =
  | "minus"
  | "zero"
  | "integer"
  | "point"
  | "fraction"
  | "exponent"
  | "exponent sign"
  | "exponent digits";
type State =
  | NumberState
  | "value"
  | "value or end"
  | "key"
  | "key or end"
  | "colon"
  | "comma or end"
  | "done"
  | "string"
  | "escape"
  | "hex"
  | "literal";

const code = (character: string) => character.charCodeAt(0);
const quote = code('"');
const backslash = code("\\");
const newline = code("\n");
const openRecord = code("{");
const closeRecord = code("}");
const openList = code("[");
const closeList = code("]");

const isDigit = (c: number) => c >= 0x30 && c <= 0x39;
const isSpace = (c: number) => c === 0x20 || c === newline || c === 0x0d || c === 0x09;
const isHex = (c: number) => isDigit(c) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
const escapes = new Set(Array.from('"\\/bfnrt', code));
const literals = new Map(["true", "false", "null"].map((word) => [code(word), word]));
const expected: Partial<Record<State, Said>> = {
  value: say`a value`,
  "value or end": say`a value or "]"`,
  key: say`a key in double quotes`,
  "key or end": say`a key in double quotes or "}"`,
  colon: say`":"`,
  done: say`the end of the file`,
};
const show = (c: number): Said =>
  c > 0x20 && c < 0x7f ? say`"${String.fromCharCode(c)}"` : say`byte 0x${c.toString(16).padStart(2, "0")}`;

/** 1 for the bytes that are plain text within a string. */
const plain = Uint8Array.from({ length: 256 }, (_, c) => (c >= 0x20 && c !== quote && c !== backslash ? 1 : 0));

function skipPlain(bytes: Uint8Array, from: number): number {
  let i = from;
  while (i < bytes.length && plain[bytes[i] ?? 0] === 1) i++;
  return i;
}

const isExponent = (c: number) => c === code("e") || c === code("E");
/** Where `c` leads within a number: "over" where it is no part of it, null where the number may not end yet. */
function inNumber(state: NumberState, c: number): NumberState | "over" | null {
  const digit = isDigit(c);
  switch (state) {
    case "minus":
      return c === 0x30 ? "zero" : digit ? "integer" : null;
    case "zero":
    case "integer":
      if (digit) return state === "integer" ? "integer" : null;
      return c === code(".") ? "point" : isExponent(c) ? "exponent" : "over";
    case "point":
      return digit ? "fraction" : null;
    case "fraction":
      return digit ? "fraction" : isExponent(c) ? "exponent" : "over";
    case "exponent":
      return digit ? "exponent digits" : c === code("+") || c === code("-") ? "exponent sign" : null;
    case "exponent sign":
      return digit ? "exponent digits" : null;
    case "exponent digits":
      return digit ? "exponent digits" : "over";
  }
}
const isNumber = (state: State): state is NumberState =>
  state === "minus" ||
  state === "zero" ||
  state === "integer" ||
  state === "point" ||
  state === "fraction" ||
  state.startsWith("exponent");

/** After a problem the scanner is of no more use. */
export function newJsonScanner(listener: JsonListener, maxDepth: number) {
  let state: State = "value";
  let isKey = false;
  const open: ("record" | "list")[] = [];
  let literal = "";
  let seen = 0; // of the literal's letters, or of the four hexadecimal digits
  let base = 0; // offset of the piece being scanned
  let line = 1;
  let lineStart = 0;

  const problem = (at: number, reason: Said): JsonProblem => ({ line, byte: base + at - lineStart + 1, reason });

  const beginValue = (c: number, at: number): Said | null => {
    const depth = open.length;
    let next: State | undefined;
    if (c === openRecord) next = "key or end";
    else if (c === openList) next = "value or end";
    else if (c === quote) next = "string";
    else if (c === code("-")) next = "minus";
    else if (isDigit(c)) next = c === 0x30 ? "zero" : "integer";
    else if (literals.has(c)) next = "literal";
    if (!next) return say`${expected[state] ?? ""} is missing, found ${show(c)}`;
    if (depth <= listener.depth) listener.begin(depth, c, base + at, false, line);
    if (next === "key or end" || next === "value or end") {
      if (depth === maxDepth) return say`lists and records are nested more than ${maxDepth} levels deep`;
      open.push(c === openRecord ? "record" : "list");
    }
    isKey = false;
    literal = literals.get(c) ?? "";
    seen = 1;
    state = next;
    return null;
  };

  const endValue = (at: number) => {
    if (open.length <= listener.depth) listener.end(open.length, base + at, false);
    state = open.length === 0 ? "done" : "comma or end";
  };

  /** A byte outside strings, numbers and literals. */
  const structure = (c: number, at: number): Said | null => {
    if (isSpace(c)) {
      if (c === newline) {
        line++;
        lineStart = base + at + 1;
      }
      return null;
    }
    const inside = open.at(-1);
    const mayClose = state === "comma or end" || state === "value or end" || state === "key or end";
    if (mayClose && c === (inside === "record" ? closeRecord : closeList)) {
      open.pop();
      endValue(at + 1);
      return null;
    }
    if (state === "value" || state === "value or end") return beginValue(c, at);
    if ((state === "key" || state === "key or end") && c === quote) {
      if (open.length <= listener.depth) listener.begin(open.length, c, base + at, true, line);
      isKey = true;
      state = "string";
      return null;
    }
    if (state === "colon" && c === code(":")) {
      state = "value";
      return null;
    }
    if (state === "comma or end" && c === code(",")) {
      state = inside === "record" ? "key" : "value";
      return null;
    }
    const end = inside === "record" ? "}" : "]";
    const wanted = state === "comma or end" ? say`"," or "${end}"` : (expected[state] ?? "");
    return say`${wanted} is missing, found ${show(c)}`;
  };

  /** A byte within a string that is not plain text. */
  const inString = (c: number, at: number): Said | null => {
    if (state === "escape") {
      if (c === code("u")) {
        state = "hex";
        seen = 0;
      } else if (escapes.has(c)) state = "string";
      else return say`"\\" is followed by ${show(c)}, which is no escape`;
    } else if (state === "hex") {
      if (!isHex(c)) return say`"\\u" is followed by ${show(c)}, which is not hexadecimal`;
      if (++seen === 4) state = "string";
    } else if (c === backslash) state = "escape";
    else if (c !== quote) return say`a text holds the control character ${show(c)}; it must be escaped`;
    else if (!isKey) endValue(at + 1);
    else {
      if (open.length <= listener.depth) listener.end(open.length, base + at + 1, true);
      state = "colon";
    }
    return null;
  };

  const inLiteral = (c: number, at: number): Said | null => {
    if (c !== literal.charCodeAt(seen)) return say`"${literal}" is expected, found ${show(c)}`;
    if (++seen === literal.length) endValue(at + 1);
    return null;
  };

  return {
    push(bytes: Uint8Array): JsonProblem | null {
      for (let i = 0; i < bytes.length; i++) {
        if (state === "string") {
          i = skipPlain(bytes, i);
          if (i === bytes.length) break; // the piece ends within plain text
        }
        const c = bytes[i] ?? 0;
        if (isNumber(state)) {
          const next = inNumber(state, c);
          if (!next) return problem(i, say`a number is not complete, found ${show(c)}`);
          if (next !== "over") {
            state = next;
            continue;
          }
          endValue(i);
        }
        let reason: Said | null;
        if (state === "string" || state === "escape" || state === "hex") reason = inString(c, i);
        else if (state === "literal") reason = inLiteral(c, i);
        else reason = structure(c, i);
        if (reason) return problem(i, reason);
      }
      base += bytes.length;
      return null;
    },

    end(): JsonProblem | null {
      if (state === "zero" || state === "integer" || state === "fraction" || state === "exponent digits") endValue(0);
      if (state === "done") return null;
      if (state === "string" || state === "escape" || state === "hex") {
        return problem(0, say`it ends in the middle of a text`);
      }
      const within = open.at(-1);
      if (!within) return problem(0, base === 0 ? say`there is nothing` : say`the file ends before its value does`);
      return problem(
        0,
        within === "record" ? say`it ends in the middle of a record` : say`it ends in the middle of a list`,
      );
    },
  };
}

/** Why bytes are not one JSON value of at most `maxDepth` levels, or null where they are one. */
export function findJsonProblem(bytes: Uint8Array, maxDepth: number): JsonProblem | null {
  const scanner = newJsonScanner({ depth: -1, begin: () => undefined, end: () => undefined }, maxDepth);
  return scanner.push(bytes) ?? scanner.end();
}

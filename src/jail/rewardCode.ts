/** @file A user's reward function as a script, and what its engine says of it as an error with the user's own lines. */

import { newRewardError, type RewardFault } from "../core/reward";
import { type Said, say } from "../core/say";
import type { RewardAnswer } from "./rewardProgram";

/** What stack traces call the script. */
export const scriptName = "reward.js";

/**
 * A function expression that runs the code and answers what it defines; the user's first line is its third. Code that is a
 * lone arrow or a function without a name is what `reward` is set to.
 */
export function wrapCode(code: string): string {
  const begun = code.replace(/^(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/, "");
  const isValue = /^(?:async\b\s*)?(?:function\b\s*\*?\s*\(|\(|[\w$]+\s*=>)/.test(begun);
  const given = (name: string) => `${name}: typeof ${name} === "undefined" ? undefined : ${name}`;
  return `(function () {
${isValue ? "const reward =" : ""}
${code}
;return { ${given("reward")}, ${given("rewards")} };
})`;
}

/** Lines before the user's first in `wrapCode`. */
export const wrappedLines = 2;

/** Names that people reach for, and why they are not there. */
const network = "fetch XMLHttpRequest WebSocket EventSource WebTransport Request importScripts navigator".split(" ");
const timers = "setTimeout setInterval requestAnimationFrame queueMicrotask performance".split(" ");
const makers = ["eval", "Function"];

/** An engine's words for a name that is not there, and the name: as V8, Firefox and Safari have them. */
const missing =
  /^(?:ReferenceError|TypeError): (?:(?:globalThis\.)?([\w$]+) is not (?:defined|a function|a constructor)|Can't find variable: ([\w$]+))/;

function sayThrown(text: string): Said {
  const match = missing.exec(text);
  const name = match?.[1] ?? match?.[2] ?? "";
  if (network.includes(name)) return say`there is no network in a reward: ${name}`;
  if (timers.includes(name)) return say`there are no timers in a reward: ${name}`;
  if (makers.includes(name)) return say`a reward makes no code of text: ${name}`;
  if (name !== "" && text.startsWith("ReferenceError")) {
    return say`${name} is not defined: a reward has the language alone, nothing of the page or of Node`;
  }
  return say`${text}`;
}

function sayWhy(why: (RewardAnswer & { at: "failed" })["why"], text: string): Said {
  switch (why) {
    case "syntax":
    case "threw":
      return sayThrown(text);
    case "promise":
      return say`it gave a promise: a reward is not async`;
    case "notFinite":
      return say`it gave ${text}: a reward is a finite number`;
    case "notNumber":
      if (text === "undefined") return say`it gave nothing: is there a return?`;
      if (text === "true" || text === "false") return say`it gave ${text}, not a number: write Number(…) around it`;
      return say`it gave ${text}, not a number`;
    case "notList":
      return say`rewards gave ${text}, not a list with a number for each row`;
    case "wrongLength": {
      const [given = "", wanted = ""] = text.split(" ");
      return say`rewards gave a list of ${given} for ${wanted} rows`;
    }
    case "noFunction":
      return say`it has no function called reward, or rewards for a whole group`;
  }
}

/** Where in the code a script's place is; null where it is none of the user's lines. */
function placeOf(code: string, line: number, column: number): { line: number; column: number } | null {
  return line >= 1 && line <= code.split("\n").length ? { line, column } : null;
}

/** The first place of a stack trace that is the user's. V8 and Node: `(reward.js:5:7)`, Firefox and Safari: `@…:5:7`. */
function placeInStack(code: string, stack: string, before: number) {
  for (const [, line, column] of stack.matchAll(/(?:reward\.js|blob:\S*?):(\d+):(\d+)\)?\s*$/gm)) {
    const place = placeOf(code, Number(line) - before, Number(column));
    if (place) return place;
  }
  return null;
}

/** A fault of the syntax at a line and column of the script; at the code's end where it is something left open. */
export function newSyntaxError(
  { name, code }: { name: string; code: string },
  fault: { message: string; line: number; column: number },
  before: number,
) {
  const place = placeOf(code, fault.line - before, fault.column);
  const lines = code.trimEnd().split("\n");
  const end = { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  const text = fault.message.replace(/^Uncaught /, "");
  const what = place ? say`${text}` : say`a bracket, brace, quote or comment is left open or closed twice`;
  return newRewardError("reward.failed", { name, what, row: null, ...(place ?? end) });
}

/** What the worker told, as an error. @param before lines of the script before the user's first */
export function newCodeError(
  { name, code }: { name: string; code: string },
  { why, text, stack, row }: RewardAnswer & { at: "failed" },
  before: number,
) {
  // Node writes a fault of the syntax as `reward.js:LINE`, the line, and a caret below the column.
  const [, line, written = "", gap] = /^reward\.js:(\d+)\n(.*)\n(?:([ \t]*)\^)?/.exec(stack) ?? [];
  if (why === "syntax" && line !== undefined) {
    const fault = { message: text, line: Number(line), column: (gap ?? written).length + 1 };
    return newSyntaxError({ name, code }, fault, before);
  }
  const place = placeInStack(code, stack, before) ?? { line: null, column: null };
  const fault: RewardFault = { name, what: sayWhy(why, text), row: row < 0 ? null : row, ...place };
  return newRewardError("reward.failed", fault);
}

/**
 * Throws `reward.failed` for code that would load a module. `import` cannot be taken away like a function, but as a word of
 * the language it cannot be written in disguise either: behind it stand `(`, `.`, white space or a comment.
 */
export function checkNoImport({ name, code }: { name: string; code: string }): void {
  const at = /(?<![\w$])import\s*[(./<-]/.exec(code)?.index;
  if (at === undefined) return;
  const before = code.slice(0, at).split("\n");
  const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  throw newRewardError("reward.failed", {
    name,
    what: say`import is not there: a reward has the language alone, nothing of the page or of Node`,
    row: null,
    ...place,
  });
}

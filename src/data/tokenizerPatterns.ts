/** @file Patterns and replacements of a foreign tokenizer.json, refused where they could take for ever or make endless text. */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";

function fail(detail: Said): never {
  throw new StudioError("tokenizer.invalid", detail);
}

/** DeepSeek's list of letters, the longest known pattern, has some 1,000 characters. */
const longestPattern = 5000;
/** Unlimited repetitions in one alternative, as known patterns have: two of them take up to the third power of the text. */
const mostRepetitions = 2;
/** Repetitions of a group up to which it may vary inside. */
const fewTimes = 4;
/** How many times its length a text may become. */
const mostGrowth = 100;

type Group = { varies: boolean; repetitions: number; most: number };

/**
 * Refuses a regular expression that could backtrack for ever: a repeated group must match one way only (no alternatives and
 * no other repetition within), nothing may refer back, and few unlimited repetitions may follow each other.
 */
export function checkPattern(pattern: string, where: string): void {
  const refuse = (why: Said): never => fail(say`${where}: the pattern ${why}`);
  if (pattern.length > longestPattern) refuse(say`has ${pattern.length} characters`);
  const stack: Group[] = [];
  let group: Group = { varies: false, repetitions: 0, most: 0 };
  let closed: Group | null = null;
  let wasTimes = false;
  const step =
    /\\(?:[pPxuk]\{[^}]*\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[\s\S])|\{(\d*)(,?)(\d*)\}|\(\?(?:<?[=!]|[^:=!<)]*:|>)|\(\?<\w+>|[\s\S]/gu;
  for (let match = step.exec(pattern); match; match = step.exec(pattern)) {
    const [part, least, comma, greatest] = match;
    // After a repetition they say how it is done, not how often.
    const isManner: boolean = wasTimes && (part === "+" || part === "?");
    wasTimes = !isManner && (/^[*+?]$/.test(part) || least !== undefined);
    if (isManner) continue;
    if (/^\\(?:[1-9]|k)/.test(part)) refuse(say`refers back to what it matched`);
    if (part === "[") {
      step.lastIndex = endOfClass(pattern, match.index);
      closed = null;
    } else if (part.startsWith("(")) {
      if (stack.push(group) > 50) refuse(say`has groups more than 50 deep`);
      group = { varies: false, repetitions: 0, most: 0 };
      closed = null;
    } else if (part === ")") {
      const outer = stack.pop() ?? refuse(say`closes a group that was not opened`);
      closed = group;
      closed.most = Math.max(closed.most, closed.repetitions);
      outer.varies ||= closed.varies;
      outer.repetitions += closed.most;
      group = outer;
    } else if (part === "|") {
      group.varies = true;
      group.most = Math.max(group.most, group.repetitions);
      group.repetitions = 0;
      closed = null;
    } else if (/^[*+?]$/.test(part) || (least !== undefined && /^\{\d+,?\d*\}$/.test(part))) {
      const isOpen = part === "*" || part === "+" || (comma === "," && greatest === "");
      const times = isOpen ? Number.POSITIVE_INFINITY : part === "?" ? 1 : Number(greatest || least);
      if (closed?.varies && times > fewTimes) refuse(say`repeats what itself can match in several ways`);
      if (times > 1000 && !isOpen) refuse(say`repeats something ${times} times`);
      if (isOpen) group.repetitions++;
      if (!/^\{\d+\}$/.test(part)) group.varies = true;
      closed = null;
    } else closed = null;
    if (group.repetitions > mostRepetitions)
      refuse(say`has more than ${mostRepetitions} unlimited repetitions after each other`);
  }
  if (stack.length > 0) refuse(say`leaves a group open`);
}

/** Where a class ends that begins at `at`; classes stand within classes. */
function endOfClass(pattern: string, at: number): number {
  let depth = 0;
  for (let i = at; i < pattern.length; i++) {
    const letter = pattern[i];
    if (letter === "\\") i++;
    else if (letter === "[") {
      depth++;
      // A bracket that comes first is a letter.
      if (pattern[i + 1] === "^") i++;
      if (pattern[i + 1] === "]") i++;
    } else if (letter === "]" && --depth === 0) return i + 1;
  }
  return pattern.length;
}

type Json = Record<string, unknown>;

/** Every object within a part of a tokenizer.json with the name of its place, a thousand at most. */
function listObjects(value: unknown, where: string): [object: Json, where: string][] {
  const found: [Json, string][] = [];
  const open: [unknown, string, number][] = [[value, where, 0]];
  for (let entry = open.pop(); entry; entry = open.pop()) {
    const [at, name, depth] = entry;
    if (typeof at !== "object" || at === null) continue;
    const isLong = found.length > 1000 || (Array.isArray(at) && at.length > 1000);
    if (depth > 20 || isLong) fail(say`${where} is nested or long beyond measure`);
    if (!Array.isArray(at)) found.push([at as Json, name]);
    for (const [key, inner] of Object.entries(at)) open.push([inner, `${name}.${key}`, depth + 1]);
  }
  return found;
}

/** Times its length that a text may become by one replacement. */
function growthOf({ type, pattern, content, prepend, replacement, str_rep }: Json): number {
  const length = (value: unknown) => (typeof value === "string" ? value.length : 0);
  if (type === "Prepend") return 1 + length(prepend);
  if (type === "Metaspace") return Math.max(1, length(replacement), length(str_rep));
  if (type !== "Replace") return 1;
  const text = typeof pattern === "object" && pattern !== null ? (pattern as Json)["String"] : undefined;
  return length(text) > 0 ? Math.max(1, length(content) / length(text)) : 1 + length(content);
}

/** Pre-tokenizers that have been tried. */
const harmless = new Set<string>();

/** Milliseconds that a text of a few thousand letters may take to be cut. */
const longestCut = 100;

/**
 * Cuts made-up texts, longer and longer, that are hard for patterns that backtrack: one letter again and again, and then
 * one that does not match. Throws `tokenizer.invalid` where it takes long; with the repetitions that `checkPattern` lets
 * through, the step before that took an eighth of the time.
 */
export function probePatterns(json: Record<string, unknown>, cut: (text: string) => void): void {
  const patterns = listObjects(json["pre_tokenizer"], "pre_tokenizer").flatMap(([{ Regex: pattern }]) =>
    typeof pattern === "string" ? [pattern] : [],
  );
  const key = JSON.stringify(json["pre_tokenizer"] ?? null);
  if (patterns.length === 0 || harmless.has(key)) return;
  const literals = patterns.flatMap((pattern) => [
    ...Array.from(pattern.replace(/\\[pP]\{[^}]*\}|\\./gu, "")).slice(0, 200),
    ...(pattern.match(/[a-z0-9]{2,8}/gi) ?? []).slice(0, 8),
  ]);
  const units = [...new Set([...Array.from(" a\n\tA0.'-é数\u0301"), ...literals])].slice(0, 64);
  for (const unit of units) {
    for (let times = 16; times <= 4096; times *= 2) {
      const text = `${unit.repeat(times / unit.length)}\u0001`;
      // Once more, twice at most, unless it is beyond doubt: another program may have had the core.
      let took = timeOf(() => cut(text));
      for (let tries = 0; tries < 2 && took > longestCut && took < 4 * longestCut; tries++)
        took = Math.min(
          took,
          timeOf(() => cut(text)),
        );
      if (took > longestCut)
        fail(say`pre_tokenizer: the pattern takes too long for ${times} times ${JSON.stringify(unit)}`);
    }
  }
  if (harmless.size > 100) harmless.clear();
  harmless.add(key);
}

function timeOf(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function isPattern(pattern: unknown): boolean {
  if (typeof pattern !== "object" || pattern === null) return false;
  return typeof (pattern as Json)["Regex"] === "string" || typeof (pattern as Json)["String"] === "string";
}

/** Checks all patterns and replacements of a tokenizer.json. Throws `tokenizer.invalid`, naming the place. */
export function checkPatterns(json: Record<string, unknown>): void {
  for (const part of ["normalizer", "pre_tokenizer", "decoder"]) {
    let growth = 1;
    for (const [object, where] of listObjects(json[part], part)) {
      const pattern = object["Regex"];
      if (typeof pattern === "string") checkPattern(pattern, where);
      if ((object["type"] === "Split" || object["type"] === "Replace") && !isPattern(object["pattern"]))
        fail(say`${where}.pattern is neither a String nor a Regex`);
      growth *= growthOf(object);
    }
    if (growth > mostGrowth) fail(say`${part} could make a text ${Math.round(growth)} times as long`);
  }
}

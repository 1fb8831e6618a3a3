/** @file The user's own regular expressions as an annotator, matched by RE2's method, which no pattern makes slow. */

import type { Span } from "../core/dataset";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";

/** RE2's instructions in one pattern: each may cost a step at each character. */
const largestProgram = 400;
/**
 * Milliseconds for one text and one pattern. A match takes linear time, but all matches of a text can take its square
 * where each looks far ahead (`a[^b]*b|a`).
 */
const longestMatching = 1000;

const wrong = (at: number, what: Said, cause?: unknown) =>
  new StudioError("recipe.invalid", say`${`annotator.patterns.${at}`}: ${what}`, { cause });

type Matcher = { find: () => boolean; start: () => number; end: () => number };
type Compiled = { matcher: (text: string) => Matcher; programSize: () => number };

/** Where in the pattern the engine's complaint lies. */
function describe(pattern: string, error: unknown): Said {
  const { error: what, input } = error as { error?: unknown; input?: unknown };
  const said = typeof what === "string" ? what : error instanceof Error ? error.message : String(error);
  if (typeof input !== "string" || !pattern.includes(input)) return say`${said}`;
  return say`${said}, at character ${pattern.indexOf(input) + 1}: ${input}`;
}

/**
 * Spans of every match, unsorted. Throws `recipe.invalid` for a pattern that RE2 does not know or that is too large,
 * naming it and the place. The annotator throws it too where a pattern takes too long on a text.
 */
export async function newPatternAnnotator(patterns: readonly string[]): Promise<(text: string) => Span[]> {
  const { RE2JS } = await import("re2js");
  const compiled = patterns.map((pattern, at): Compiled => {
    let made: Compiled;
    try {
      made = RE2JS.compile(pattern);
    } catch (error) {
      throw wrong(at, describe(pattern, error), error);
    }
    if (made.programSize() > largestProgram) throw wrong(at, say`The pattern is too large; repeat fewer times`);
    return made;
  });
  return (text) => {
    const spans: Span[] = [];
    compiled.forEach((pattern, at) => {
      const deadline = performance.now() + longestMatching;
      const matcher = pattern.matcher(text);
      while (matcher.find()) {
        spans.push([matcher.start(), matcher.end()]);
        if (performance.now() > deadline) {
          throw wrong(at, say`The pattern takes too long on a text of ${text.length} characters`);
        }
      }
    });
    return spans;
  };
}

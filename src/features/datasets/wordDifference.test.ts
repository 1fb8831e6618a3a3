/** @file The pieces of two texts give them again, and what is shared is shared by both. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { sharedPart, type WordPiece, wordDifference } from "./wordDifference";

const marked = (pieces: readonly WordPiece[]) => pieces.map(({ text, isOwn }) => (isOwn ? `[${text}]` : text)).join("");
const show = (a: string, b: string) => wordDifference(a, b).map(marked);

test("words that differ are marked, phrases as one", () => {
  expect(show("The sky is blue.", "The sky is green.")).toEqual(["The sky is [blue].", "The sky is [green]."]);
  expect(show("I think so", "I do not think so")).toEqual(["I think so", "I [do not ]think so"]);
  expect(show("a b c d", "x y c d")).toEqual(["[a b] c d", "[x y] c d"]);
  expect(show("same", "same")).toEqual(["same", "same"]);
  expect(show("", "new")).toEqual(["", "[new]"]);
  expect(show("天空是蓝色的", "天空是绿色的").every((text) => text.startsWith("天空是[") && text.endsWith("的"))).toBe(
    true,
  );
});

test("how much is shared is told, by the longer text", () => {
  expect(sharedPart(wordDifference("ab cd", "ab cd"))).toBe(1);
  expect(sharedPart(wordDifference("", ""))).toBe(1);
  expect(sharedPart(wordDifference("ab", "xy"))).toBe(0);
  expect(sharedPart(wordDifference("ab", "ab cdefg"))).toBe(2 / 8);
});

test("no text is lost, and what both share is the same", () => {
  const text = fc.array(fc.constantFrom("a", "b", " ", "\n", "yes", ".", "数"), { maxLength: 40 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const pair = wordDifference(a.join(""), b.join(""));
      expect(pair.map((pieces) => pieces.map((piece) => piece.text).join(""))).toEqual([a.join(""), b.join("")]);
      const [mine, theirs] = pair.map((pieces) =>
        pieces
          .filter(({ isOwn }) => !isOwn)
          .map((piece) => piece.text)
          .join("")
          .replaceAll(/\s/g, ""),
      );
      expect(mine).toBe(theirs);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("texts of many thousand words are compared at once, by their beginning and end", () => {
  const words = (seed: number) => Array.from({ length: 20_000 }, (_, i) => `w${(i * seed) % 997}`).join(" ");
  const started = performance.now();
  const [mine] = wordDifference(`same ${words(3)} end`, `same ${words(5)} end`);
  expect(performance.now() - started).toBeLessThan(2000);
  expect(mine[0]?.text.startsWith("same ")).toBe(true);
  expect(mine.at(-1)?.text.endsWith("end")).toBe(true);
});

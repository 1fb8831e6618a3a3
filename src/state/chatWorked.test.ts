/** @file Worked answers are cut into pieces that put together give the text again. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { parseWorkedAnswer, splitThinking } from "./chatWorked";

test("steps are marked one by one, the final answer against the reference", () => {
  const answer = parseWorkedAnswer(" Ann has <<12+5=17>>17 pens.\nTwice: <<17*2=35>>35.\n#### 35\n", "x\n#### 34");
  expect(answer.lines).toEqual([
    [
      { kind: "text", text: " Ann has " },
      { kind: "step", text: "12+5=17", isRight: true, value: null },
      { kind: "text", text: "17 pens." },
    ],
    [
      { kind: "text", text: "Twice: " },
      { kind: "step", text: "17*2=35", isRight: false, value: 34 },
      { kind: "text", text: "35." },
    ],
    [{ kind: "final", text: "35", isRight: false }],
  ]);
  expect(answer).toMatchObject({ steps: 2, rightSteps: 1, strict: false, flexible: false });
});

test("without a reference nothing is said of the final answer", () => {
  expect(parseWorkedAnswer("#### 5", null)).toMatchObject({ lines: [[{ text: "5", isRight: null }]], strict: null });
  expect(parseWorkedAnswer("#### 5", "Paris")).toMatchObject({ strict: null, flexible: null });
  expect(parseWorkedAnswer("##### 5", "#### 5").lines).toEqual([[{ kind: "text", text: "##### 5" }]]);
  expect(parseWorkedAnswer("It is 34", "so\n#### 34")).toMatchObject({ strict: false, flexible: true });
});

test("no text is lost, whatever a model writes", () => {
  const bit = fc.constantFrom("<<", ">>", "1+1=2", "#### ", "#", "\n", " ", "<", "=", "7", "a", "<<2*3=6>>");
  fc.assert(
    fc.property(fc.array(bit, { maxLength: 40 }), (bits) => {
      const text = bits.join("");
      const again = parseWorkedAnswer(text, "#### 6").lines.map((line) =>
        line
          .map((p) => (p.kind === "step" ? `<<${p.text}>>` : p.kind === "final" ? `#### ${p.text}` : p.text))
          .join(""),
      );
      const normal = (s: string) => s.replace(/^####(?!#) */gm, "#### ").replace(/\n+$/, "");
      expect(normal(again.join("\n"))).toBe(normal(text));
    }),
    { seed: 1, numRuns: 5000 },
  );
});

test("what is thought stands apart from what is said", () => {
  expect(splitThinking("Four.")).toEqual({ thinking: "", isOver: true, said: "Four." });
  expect(splitThinking("<think>\n2 and 2")).toEqual({ thinking: "2 and 2", isOver: false, said: "" });
  expect(splitThinking("<think>\n2 and 2\n</think>\n\nFour.")).toEqual({
    thinking: "2 and 2",
    isOver: true,
    said: "\n\nFour.",
  });
  expect(splitThinking("2 and 2\n</think>Four.")).toEqual({ thinking: "2 and 2", isOver: true, said: "Four." });
  expect(splitThinking("<think></think>Four.").thinking).toBe("");
});

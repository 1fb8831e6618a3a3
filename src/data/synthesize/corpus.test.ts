/** @file The pretraining text holds what it says and nothing of the sets that ship. */
import { describe, expect, it } from "vitest";
import { type DocumentKind, mixture, newDocument } from "./corpus";
import { newProblemSets, shippedSizes, unseenForms } from "./problemSets";

const documents = Array.from({ length: 4000 }, (_, index) => newDocument(1, index));
const told = documents.map((d) => d.text);

/** The numbers and words of a question that are not names: enough to find it again. */
function questionOf(text: string): string | undefined {
  return /^Question: (.*)\nAnswer: /.exec(text)?.[1];
}

describe("corpus", () => {
  it("is mixed as the table says and made anew from its number", () => {
    const counts = new Map<DocumentKind, number>();
    for (const { kind } of documents) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const [kind, share] of Object.entries(mixture) as [DocumentKind, number][]) {
      expect(Math.abs((counts.get(kind) ?? 0) / documents.length - share)).toBeLessThan(0.03);
    }
    expect(Object.values(mixture).reduce((sum, share) => sum + share)).toBeCloseTo(1);
    expect(newDocument(1, 1234)).toEqual(documents[1234]);
    expect(newDocument(2, 1234)).not.toEqual(documents[1234]);
  });

  it("holds no worked solution of more than one step", () => {
    for (const { kind, text } of documents) {
      const worked = text.match(/<</g)?.length ?? 0;
      if (kind === "oneStepWorked") expect(worked).toBe(1);
      else if (kind !== "drill") expect(worked).toBe(0);
      if (kind === "drill") expect(text).not.toMatch(/####|[Qq]uestion/);
    }
  });

  it("has true equations, spoken and written", () => {
    let seen = 0;
    for (const text of told) {
      for (const [, a, sign, b, c] of text.matchAll(
        /(\d+) ?([-+*/]|plus|and|minus|less|times|divided by) ?(\d+)(?:=| is )(\d+)/g,
      )) {
        const [left, right] = [Number(a), Number(b)];
        const values: Readonly<Record<string, number>> = {
          "+": left + right,
          plus: left + right,
          and: left + right,
          "-": left - right,
          minus: left - right,
          less: left - right,
          "*": left * right,
          times: left * right,
        };
        expect(values[sign ?? ""] ?? left / right, text).toBe(Number(c));
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(4000);
  });

  it("asks no question of the sets, and no unseen form", () => {
    const sets = newProblemSets(1, shippedSizes);
    const known = new Set(Object.values(sets).flatMap((problems) => problems.map((p) => p.question)));
    const asked = told.map(questionOf).filter((question) => question !== undefined);
    expect(asked.length).toBeGreaterThan(500);
    expect(asked.filter((question) => known.has(question))).toEqual([]);
    expect(unseenForms.every((form) => !told.some((text) => text.includes(form.id)))).toBe(true);
  });
});

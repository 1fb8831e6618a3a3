/** @file Distracted problems are the same problems, and what distracts has nothing to do with them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distract, logicSpansOf, topicWords } from "./distract";
import { distractionForms } from "./distractions";
import { drawProblem } from "./form";
import { multiStepForms, newProblemSets, oneStepForms, sideOf, unseenForms } from "./problemSets";
import { newRandom } from "./random";
import { type Problem, plain } from "./story";

const problems: Problem[] = [...multiStepForms, ...oneStepForms, ...unseenForms].flatMap((form) => {
  const random = newRandom(7, form.id);
  return Array.from({ length: 12 }, () => drawProblem(form, random));
});

const distracted = problems.flatMap((problem, i) => {
  const random = newRandom(i, "distract");
  return [1, 2, 3].map((count) => ({ problem, count, made: distract(problem, count, random) }));
});

const numbersIn = (text: string) => text.match(/\d+/g) ?? [];

/** Words that any sentence may have. */
const common = new Set("a an the has have had is are was were there each".split(" "));

describe("a distracted problem", () => {
  it("keeps its solution, answer, key, steps and side", () => {
    for (const { problem, made } of distracted) {
      expect(made.answer).toBe(problem.answer);
      expect(made.steps).toEqual(problem.steps);
      expect(made.key).toBe(problem.key);
      expect(sideOf(made)).toBe(sideOf(problem));
    }
  });

  it("is the problem with so many whole sentences put in, none after the question", () => {
    for (const { problem, count, made } of distracted) {
      expect(made.distractions).toHaveLength(count);
      let bare = made.question;
      for (const sentence of made.distractions) {
        expect(sentence).toMatch(/^[A-Z].*\.$/);
        expect(bare.split(sentence)).toHaveLength(2);
        bare = bare.replace(`${sentence} `, "");
      }
      expect(bare).toBe(problem.question);
      expect(plain(made.beats.at(-1)!.say)).toBe(plain(problem.beats.at(-1)!.say));
      // a sentence is never put into another one
      for (const sentence of made.distractions) {
        expect(made.question.slice(0, made.question.indexOf(sentence))).toMatch(/^$|[.] $/);
      }
    }
  });

  it("shares no number with its distractions, and no name, thing or unit", () => {
    for (const { problem, made } of distracted) {
      const own = new Set(numbersIn(`${problem.question} ${problem.answer}`));
      const words = topicWords(`${problem.question} ${problem.answer}`);
      const seen = new Set<string>();
      for (const sentence of made.distractions) {
        const numbers = numbersIn(sentence);
        expect(numbers.length).toBeGreaterThan(0);
        for (const number of numbers) expect(own.has(number)).toBe(false);
        // what is marked are the names, nouns and units
        const told = made.beats.find((b) => plain(b.say) === sentence)!;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the marks are control characters
        for (const [, word] of told.say.matchAll(/\u0001([^\u0002]*)\u0002/g)) {
          const isPronoun = /^(he|she|his|her)$/i.test(word!);
          if (!isPronoun) for (const part of topicWords(word!)) expect(words.has(part), sentence).toBe(false);
        }
        // and it says something new at all
        expect([...topicWords(sentence)].some((word) => !words.has(word) && !common.has(word))).toBe(true);
        expect(seen.has(sentence)).toBe(false);
        seen.add(sentence);
      }
    }
  });

  it("has nobody put where a later he or she could mean them", () => {
    for (const { made } of distracted) {
      made.beats.forEach(({ say }, at) => {
        if (at === 0 || !made.distractions.includes(plain(say))) return;
        if (made.beats.slice(0, at).every((b) => made.distractions.includes(plain(b.say)))) return;
        const story = made.beats.slice(at).filter((b) => !made.distractions.includes(plain(b.say)));
        const rest = plain(story.map((b) => b.say).join(" "));
        if (/\b(she|her)\b/i.test(rest)) expect(say).not.toMatch(/\u0001(Ann|Beth|Clara|Olga|Wendy)\u0002/);
        if (/\b(he|his)\b/i.test(rest)) expect(say).not.toMatch(/\u0001(Adam|Ben|Carl|Omar|Victor)\u0002/);
        expect(rest).not.toMatch(/\b(it|that)\b/i);
      });
    }
  });

  it("comes out the same again, and otherwise with another seed", () => {
    for (const { problem } of distracted.slice(0, 50)) {
      const again = distract(problem, 3, newRandom(5, "x"));
      expect(distract(problem, 3, newRandom(5, "x"))).toEqual(again);
      expect(distract(problem, 3, newRandom(6, "x")).question).not.toBe(again.question);
    }
  });

  it("without a distraction is the problem as it was", () => {
    const problem = problems[0]!;
    expect(distract(problem, 0, newRandom(1))).toEqual({ ...problem, distractions: [] });
  });
});

describe("distractions", () => {
  it("are of at least twenty forms, all of which come, in many places", () => {
    expect(new Set(distractionForms.map(({ id, kind }) => `${kind} ${id}`)).size).toBe(distractionForms.length);
    expect(distractionForms.length).toBeGreaterThanOrEqual(20);
    const { train } = newProblemSets(1, { train: 2000, heldout: 0, unseen: 0 });
    const random = newRandom(1, "all");
    const made = train.map((problem) => distract(problem, 1, random));
    const shapes = new Set(
      made.map(({ masked, distractions, question }) => {
        const [sentence = ""] = distractions;
        return question.startsWith(sentence) ? masked.split(".")[0]?.replace(/\d+/g, "#") : "";
      }),
    );
    expect(shapes.size).toBeGreaterThanOrEqual(distractionForms.length);
    const inside = made.filter(({ question, distractions }) => !question.startsWith(distractions[0] ?? ""));
    expect(inside.length / made.length).toBeGreaterThan(0.5);
    const beforeQuestion = made.filter(({ beats, distractions }) => plain(beats.at(-2)!.say) === distractions[0]);
    expect(beforeQuestion.length / made.length).toBeGreaterThan(0.1);
  });
});

describe("the spans of what is left", () => {
  it("are the question without its distractions, sorted and apart", () => {
    fc.assert(
      fc.property(fc.nat(problems.length - 1), fc.integer({ min: 0, max: 4 }), fc.nat(), (at, count, seed) => {
        const problem = problems[at]!;
        const made = distract(problem, count, newRandom(seed, "spans"));
        const spans = logicSpansOf(made);
        expect(spans.map(([start, end]) => made.question.slice(start, end)).join(" ")).toBe(problem.question);
        spans.forEach(([start, end], i) => {
          expect(start).toBeLessThan(end);
          expect(start).toBeGreaterThanOrEqual(i === 0 ? 0 : spans[i - 1]![1]);
          expect(end).toBeLessThanOrEqual(made.question.length);
        });
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

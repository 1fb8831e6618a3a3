/** @file Puts sentences that have nothing to do with it into a problem, which stays the same problem with the same answer. */
import { type Distraction, type DistractionKind, distractionForms } from "./distractions";
import type { Random } from "./random";
import { type Beat, beat, newProblem, type Problem, plain } from "./story";
import { men, women } from "./words";

/** A problem with sentences in it that lead nowhere. */
export interface DistractedProblem extends Problem {
  /** The sentences as they stand in the question, in their order. */
  readonly distractions: readonly string[];
}

/** A place between two beats, and what may stand there. */
interface Gap {
  readonly at: number;
  readonly kinds: ReadonlySet<DistractionKind>;
  /** Names that a later pronoun could be taken for. */
  readonly barred: readonly string[];
}

const everyKind: ReadonlySet<DistractionKind> = new Set(["owns", "fact", "label"]);
const noKind: ReadonlySet<DistractionKind> = new Set();

/** Lower case, and one form for one and many: "boxes" and "box", "pens" and "pen". */
const stem = (word: string): string => word.toLowerCase().replace(/s$/, "").replace(/e$/, "");

/** The words of a text that a distraction must not share with it, `$` among them. */
export function topicWords(text: string): ReadonlySet<string> {
  return new Set((plain(text).match(/[A-Za-z]+|\$/g) ?? []).map(stem));
}

/**
 * What may stand before the rest of a story. Words that refer back ("it", "they", "5 more", "as many") take the nearest
 * thing that fits, so before them stands nothing they could mean.
 */
function kindsBefore(rest: string): ReadonlySet<DistractionKind> {
  if (/\b(it|that)\b/i.test(rest)) return noKind;
  if (/\b(they|them|each|both|rest|all|other)\b/i.test(rest)) return new Set(["label"]);
  if (/\d (more|fewer|away|to|of)\b|\d\.|\bas (many|much|long|far|old)\b|\bmore\./.test(rest)) {
    return new Set(["fact", "label"]);
  }
  return everyKind;
}

function gapsOf(beats: readonly Beat[]): Gap[] {
  return beats.flatMap((_, at): Gap[] => {
    const rest = plain(
      beats
        .slice(at)
        .map((b) => b.say)
        .join(" "),
    );
    if (at === 0) return [{ at, kinds: everyKind, barred: [] }];
    const isBetweenSentences = /[.]$/.test(beats[at - 1]?.say ?? "") && /^[A-Z0-9]/.test(rest);
    const kinds = isBetweenSentences ? kindsBefore(rest) : noKind;
    if (kinds.size === 0) return [];
    const barred = [...(/\b(she|her)\b/i.test(rest) ? women : []), ...(/\b(he|his|him)\b/i.test(rest) ? men : [])];
    return [{ at, kinds, barred }];
  });
}

/** Numbers of the story and of its solution: a distraction has none of them, so that its use in an answer shows. */
function numbersOf(problem: Problem): Set<string> {
  return new Set(`${problem.question} ${problem.answer}`.match(/\d+/g));
}

function drawDistraction(gap: Gap, taken: ReadonlySet<string>, numbers: ReadonlySet<string>, random: Random) {
  for (let tries = 0; tries < 1000; tries++) {
    const form = random.pick(distractionForms);
    if (!gap.kinds.has(form.kind)) continue;
    const drawn: string[] = [];
    const number = (low: number, high: number) => {
      const value = String(random.int(low, high));
      drawn.push(value);
      return value;
    };
    const made: Distraction = form.build({ random, number });
    const names = made.people.map(({ name }) => plain(name));
    const isFree = [...made.topic, ...names].every((word) => !taken.has(stem(word)));
    if (isFree && !names.some((name) => gap.barred.includes(name)) && !drawn.some((value) => numbers.has(value))) {
      return { at: gap.at, made, drawn };
    }
  }
  throw new RangeError("no distraction fits");
}

/**
 * The problem with `count` sentences put in that say nothing about what is asked: their people and things are in no
 * sentence of the problem, their numbers in no step. Steps, answer, key and side stay; the question stays last.
 */
export function distract(problem: Problem, count: number, random: Random): DistractedProblem {
  const gaps = gapsOf(problem.beats);
  const taken = new Set(topicWords(`${problem.question} ${problem.answer}`));
  // "How many things" would count whatever is owned.
  const allowed = taken.has("thing")
    ? gaps.map((gap) => ({ ...gap, kinds: new Set([...gap.kinds].filter((kind) => kind !== "owns")) }))
    : gaps;
  const numbers = numbersOf(problem);
  const before = new Map<number, Beat[]>();
  for (let i = 0; i < count; i++) {
    const { at, made, drawn } = drawDistraction(random.pick(allowed), taken, numbers, random);
    for (const word of [...made.topic, ...made.people.map(({ name }) => plain(name))]) taken.add(stem(word));
    for (const value of drawn) numbers.add(value);
    before.set(at, [...(before.get(at) ?? []), beat(made.say)]);
  }
  const beats = problem.beats.flatMap((b, at) => [...(before.get(at) ?? []), b]);
  const distractions = problem.beats.flatMap((_, at) => (before.get(at) ?? []).map(({ say }) => plain(say)));
  return { ...newProblem(problem.form, beats), distractions };
}

/** Where everything but the distractions stands in the question, as [start, end) in UTF-16 units. */
export function logicSpansOf({ question, distractions }: DistractedProblem): [number, number][] {
  const spans: [number, number][] = [];
  let from = 0;
  for (const sentence of distractions) {
    const at = question.indexOf(sentence, from);
    if (at > from) spans.push([from, at - 1]);
    from = at + sentence.length + 1;
  }
  return from < question.length ? [...spans, [from, question.length]] : spans;
}

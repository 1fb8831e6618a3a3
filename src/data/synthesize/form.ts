/** @file A form: one way to build a problem from drawn numbers, names and nouns. */
import type { Random } from "./random";
import { type Beat, mark, newProblem, type Problem, type Sign, type Step } from "./story";
import {
  children,
  distances,
  foods,
  goods,
  holders,
  men,
  partWords,
  plants,
  relatives,
  things,
  timesWords,
  women,
} from "./words";

/** A person of the story; every word is marked. */
export interface Person {
  readonly name: string;
  readonly he: string;
  readonly He: string;
  readonly his: string;
}

/** Draws what a form needs. A step that comes out wrong (negative, broken, too large) spoils the draw, which is repeated. */
export interface Draw {
  int(low: number, high: number): number;
  pick(...items: readonly string[]): string;
  person(): Person;
  pair(): readonly [Person, Person];
  trio(): readonly [Person, Person, Person];
  thing(): string;
  two(): readonly [string, string];
  good(): string;
  goods2(): readonly [string, string];
  food(): string;
  plant(): string;
  holder(): { readonly one: string; readonly many: string };
  distance(): string;
  children(): string;
  relative(): string;
  step(left: number, sign: Sign, right: number, lead: string, tail: string): Step;
}

export interface Form {
  readonly id: string;
  readonly build: (draw: Draw) => readonly Beat[];
}

/** Largest value of a sum, a product and a quotient, so that a small model can learn the arithmetic. */
export const limits = { sum: 250, product: 200, factor: 12, divisor: 10 } as const;

/** Twice, three times … in words. */
export function times(k: number): string {
  return timesWords[k] ?? `${String(k)} times`;
}

/** Half, a third … in words. */
export function part(k: number): string {
  return partWords[k] ?? `one ${String(k)}th`;
}

function isSound(left: number, sign: Sign, right: number, result: number): boolean {
  if (!Number.isInteger(result) || result < 1 || left < 1 || right < 1) return false;
  if (sign === "*") return result <= limits.product && Math.min(left, right) <= limits.factor;
  if (sign === "/") return right <= limits.divisor && left <= limits.product;
  return result <= limits.sum && left <= limits.sum;
}

const solve: Readonly<Record<Sign, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

function pickTwo(random: Random, items: readonly string[]): readonly [string, string] {
  const first = random.pick(items);
  let second = random.pick(items);
  while (second === first) second = random.pick(items);
  return [mark(first), mark(second)];
}

/** A person with another name than those given. */
export function pickPerson(random: Random, ...others: readonly Person[]): Person {
  for (;;) {
    const isShe = random.chance(0.5);
    const name = mark(random.pick(isShe ? women : men));
    if (others.some((other) => other.name === name)) continue;
    const [he, He, his] = isShe ? ["she", "She", "her"] : ["he", "He", "his"];
    return { name, he: mark(he), He: mark(He), his: mark(his) };
  }
}

/** One problem of the form; draws again until every step is sound. */
export function drawProblem(form: Form, random: Random): Problem {
  for (let tries = 0; tries < 2000; tries++) {
    const checks: boolean[] = [];
    const draw: Draw = {
      int: (low, high) => random.int(low, high),
      pick: (...items) => random.pick(items),
      person: () => pickPerson(random),
      pair: () => {
        const first = pickPerson(random);
        return [first, pickPerson(random, first)];
      },
      trio: () => {
        const first = pickPerson(random);
        const second = pickPerson(random, first);
        return [first, second, pickPerson(random, first, second)];
      },
      thing: () => mark(random.pick(things)),
      two: () => pickTwo(random, things),
      good: () => mark(random.pick(goods)),
      goods2: () => pickTwo(random, goods),
      food: () => mark(random.pick(foods)),
      plant: () => mark(random.pick(plants)),
      holder: () => {
        const [one, many] = random.pick(holders);
        return { one: mark(one), many: mark(many) };
      },
      distance: () => mark(random.pick(distances)),
      children: () => mark(random.pick(children)),
      relative: () => mark(random.pick(relatives)),
      step: (left, sign, right, lead, tail) => {
        const result = solve[sign](left, right);
        checks.push(isSound(left, sign, right, result));
        return { left, sign, right, result, lead, tail };
      },
    };
    const beats = form.build(draw);
    if (checks.every(Boolean)) return newProblem(form.id, beats);
  }
  throw new RangeError(`form ${form.id} found no sound numbers`);
}

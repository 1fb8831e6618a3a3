/** @file Sentences with numbers that say nothing about a problem: each a way to put a person, a thing or a time beside it. */
import { type Person, pickPerson } from "./form";
import type { Random } from "./random";
import { mark } from "./story";
import { distances, goods, holders, relatives, things } from "./words";

/**
 * What a sentence could be mistaken for by the words that follow it: `owns` names countable things, which "5 more" could
 * mean; `fact` measures something; `label` only names a number, and nothing later can refer to it.
 */
export type DistractionKind = "owns" | "fact" | "label";

/** A sentence and what it is about. No word of `topic`, and no name of `people`, may stand in the problem. */
export interface Distraction {
  readonly say: string;
  readonly topic: readonly string[];
  readonly people: readonly Person[];
}

/** Draws what a distraction needs. `number` gives none that the problem holds. */
export interface DistractionDraw {
  readonly random: Random;
  number(low: number, high: number): string;
}

interface DistractionForm {
  readonly id: string;
  readonly kind: DistractionKind;
  readonly build: (d: DistractionDraw) => Distraction;
}

type Told = readonly [say: string, ...topic: string[]];

const withThings =
  (tell: (d: DistractionDraw, p: Person, thing: string) => Told) =>
  (d: DistractionDraw): Distraction => {
    const [person, thing] = [pickPerson(d.random), d.random.pick(things)];
    const [say, ...topic] = tell(d, person, mark(thing));
    return { say, topic: [thing, ...topic], people: [person] };
  };

const withPerson =
  (tell: (d: DistractionDraw, p: Person) => Told) =>
  (d: DistractionDraw): Distraction => {
    const person = pickPerson(d.random);
    const [say, ...topic] = tell(d, person);
    return { say, topic, people: [person] };
  };

const without =
  (tell: (d: DistractionDraw) => Told) =>
  (d: DistractionDraw): Distraction => {
    const [say, ...topic] = tell(d);
    return { say, topic, people: [] };
  };

const owning: Readonly<Record<string, DistractionForm["build"]>> = {
  has: withThings((d, p, n) => [`${p.name} has ${d.number(3, 120)} ${n}.`]),
  "has-too": withThings((d, p, n) => [`${p.name} also has ${d.number(3, 90)} ${n} at home.`]),
  gave: withThings((d, p, n) => {
    const relative = d.random.pick(relatives);
    return [`Yesterday ${p.name} gave ${d.number(3, 60)} ${n} to ${p.his} ${mark(relative)}.`, relative];
  }),
  table: withThings((d, p, n) => [`There are ${d.number(3, 40)} ${n} on the table of ${p.name}.`, "table"]),
  keeps: withThings((d, p, n) => {
    const [one, many] = d.random.pick(holders);
    return [`${p.name} keeps ${d.number(3, 60)} ${n} in a ${mark(one)}.`, one, many];
  }),
  lost: withThings((d, p, n) => [`Last year ${p.name} lost ${d.number(3, 60)} ${n}.`]),
  drew: withThings((d, p, n) => [`In class ${p.name} draws ${d.number(3, 20)} ${n}.`, "class"]),
  wants: withThings((d, p, n) => [`${p.name} would like ${d.number(10, 150)} ${n}.`]),
  pair: (d) => {
    const [p, thing] = [pickPerson(d.random), d.random.pick(things)];
    const q = pickPerson(d.random, p);
    const say = `${p.name} and ${q.name} own ${d.number(5, 120)} ${mark(thing)}.`;
    return { say, topic: [thing], people: [p, q] };
  },
};

const facts: Readonly<Record<string, DistractionForm["build"]>> = {
  age: withPerson((d, p) => [`${p.name} is ${d.number(5, 70)} years old.`, "years", "old"]),
  far: withPerson((d, p) => {
    const unit = d.random.pick(distances);
    return [`${p.name} lives ${d.number(2, 40)} ${mark(unit)} from the school.`, ...distances, "school"];
  }),
  runs: withPerson((d, p) => {
    const unit = d.random.pick(distances);
    return [`Each week ${p.name} runs ${d.number(3, 40)} ${mark(unit)}.`, ...distances];
  }),
  sleeps: withPerson((d, p) => [`${p.name} slept ${d.number(5, 12)} hours last night.`, "hours"]),
  waits: withPerson((d, p) => [`${p.name} waits ${d.number(4, 50)} minutes for the bus.`, "minutes", "bus"]),
  dog: withPerson((d, p) => [`The dog of ${p.name} weighs ${d.number(8, 90)} pounds.`, "pounds", "dog"]),
  tall: withPerson((d, p) => [`${p.name} is ${d.number(90, 195)} cm tall.`, "cm", "tall", "long"]),
  ticket: withPerson((d, p) => [`${p.name} paid $${d.number(3, 60)} for a ticket.`, "$", "money", "ticket"]),
  earned: withPerson((d, p) => [`Last month ${p.name} earned $${d.number(20, 190)}.`, "$", "money"]),
  bought: withPerson((d, p) => {
    const good = d.random.pick(goods);
    return [`${p.name} saw ${mark(good)} for $${d.number(3, 40)} in a shop.`, "$", "money", "shop", good];
  }),
  drinks: withPerson((d, p) => [`${p.name} drinks ${d.number(3, 20)} liters of water a week.`, "liters", "week"]),
  seats: without((d) => [`The bus to the city has ${d.number(20, 70)} seats.`, "bus", "seats", "city"]),
  park: without((d) => [`The park nearby has ${d.number(12, 150)} trees.`, "park", "trees"]),
  library: without((d) => [`The library is open for ${d.number(4, 12)} hours.`, "library", "hours"]),
  bridge: without((d) => [`The bridge is ${d.number(40, 190)} feet long.`, "bridge", "feet", "long"]),
  class: without((d) => [`There are ${d.number(12, 35)} students in the class.`, "class", "students", "people"]),
};

const naming: Readonly<Record<string, DistractionForm["build"]>> = {
  degrees: without((d) => [`Outside there are ${d.number(3, 35)} degrees.`, "degrees"]),
  house: withPerson((d, p) => [`The house of ${p.name} has the number ${d.number(3, 190)}.`, "house"]),
  bus: without((d) => [`The bus with the number ${d.number(3, 99)} goes by.`, "bus"]),
  clock: without((d) => [`The clock shows ${d.number(1, 12)} in the afternoon.`, "clock"]),
  date: without((d) => [`Today is May ${d.number(2, 30)}.`, "May"]),
  built: without((d) => [`The town hall was built in ${d.number(1850, 1999)}.`, "hall", "town"]),
  room: without((d) => [`Room ${d.number(3, 150)} is empty.`, "room"]),
  radio: without((d) => [`The radio plays on channel ${d.number(2, 99)}.`, "radio", "channel"]),
  player: without((d) => [`The player with the number ${d.number(2, 30)} has red hair.`, "player"]),
  page: without((d) => [`The newspaper has a picture on page ${d.number(2, 40)}.`, "newspaper", "page"]),
};

const all = (kind: DistractionKind, forms: Readonly<Record<string, DistractionForm["build"]>>): DistractionForm[] =>
  Object.entries(forms).map(([id, build]) => ({ id, kind, build }));

/** Every way a distracting sentence is made. */
export const distractionForms: readonly DistractionForm[] = [
  ...all("owns", owning),
  ...all("fact", facts),
  ...all("label", naming),
];

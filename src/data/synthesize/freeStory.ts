/** @file Stories put together freely from single turns, so that the base reads turns and not whole forms by heart. */
import { type Draw, drawProblem, type Form, type Person, part, times } from "./form";
import type { Random } from "./random";
import { type Beat, beat, expression, type Problem } from "./story";

/** Where a story stands: whose amount is followed, of what, and how much it is. Money has the noun `$`. */
interface Standing {
  readonly owner: Person;
  readonly noun: string;
  readonly amount: number;
  /** An amount of somebody else that was just compared with. */
  readonly other?: number;
}

/** One turn: the beat it adds and the standing after it; none where the story cannot go on. */
interface Turn {
  readonly beats: readonly Beat[];
  readonly next?: Standing;
}

const money = "$";

function has(who: Person, noun: string): readonly [string, string] {
  return noun === money ? [`${who.name} has $`, ""] : [`${who.name} has`, noun];
}

function amountOf(noun: string, value: number): string {
  return noun === money ? `$${String(value)}` : String(value);
}

function much(noun: string): string {
  return noun === money ? "much money" : `many ${noun}`;
}

const starts: Readonly<Record<string, (d: Draw) => Turn>> = {
  things: (d) => {
    const [owner, noun, amount] = [d.person(), d.thing(), d.int(4, 90)];
    return { beats: [beat(`${owner.name} has ${String(amount)} ${noun}.`)], next: { owner, noun, amount } };
  },
  dollars: (d) => {
    const [owner, amount] = [d.person(), d.int(10, 180)];
    return { beats: [beat(`${owner.name} has $${String(amount)}.`)], next: { owner, noun: money, amount } };
  },
  boxes: (d) => {
    const [owner, noun, h, k, m] = [d.person(), d.thing(), d.holder(), d.int(2, 12), d.int(2, 15)];
    const all = d.step(k, "*", m, ...has(owner, noun));
    const say = `${owner.name} ${d.pick("has", "buys", "fills")} ${String(k)} ${h.many} of ${String(m)} ${noun} each.`;
    return { beats: [beat(say, all)], next: { owner, noun, amount: all.result } };
  },
  wage: (d) => {
    const [owner, c, k] = [d.person(), d.int(3, 20), d.int(2, 10)];
    const all = d.step(c, "*", k, `${owner.name} earns $`, "");
    const say = `${owner.name} earns $${String(c)} an hour and works ${String(k)} hours.`;
    return { beats: [beat(say, all)], next: { owner, noun: money, amount: all.result } };
  },
  pages: (d) => {
    const [owner, noun, c, k] = [d.person(), "pages", d.int(3, 20), d.int(2, 10)];
    const all = d.step(c, "*", k, `${owner.name} reads`, noun);
    const say = `${owner.name} reads ${String(c)} pages a day for ${String(k)} days.`;
    return { beats: [beat(say, all)], next: { owner, noun, amount: all.result } };
  },
};

function follow(d: Draw, s: Standing, sign: "+" | "-", b: number, say: string): Turn {
  const now = d.step(s.amount, sign, b, ...has(s.owner, s.noun));
  return { beats: [beat(say, now)], next: { owner: s.owner, noun: s.noun, amount: now.result } };
}

function compare(d: Draw, s: Standing, sign: "+" | "-" | "*" | "/", value: number, words: string): Turn {
  let owner = d.person();
  while (owner.name === s.owner.name) owner = d.person();
  const now = d.step(s.amount, sign, value, ...has(owner, s.noun));
  const beats = [beat(`${owner.name} has ${words} ${s.owner.name}.`, now)];
  return { beats, next: { owner, noun: s.noun, amount: now.result, other: s.amount } };
}

const turns: Readonly<Record<string, (d: Draw, s: Standing) => Turn>> = {
  get: (d, s) => {
    const b = d.int(2, 50);
    return follow(d, s, "+", b, `${s.owner.He} ${d.pick("finds", "gets")} ${amountOf(s.noun, b)} more.`);
  },
  give: (d, s) => {
    const b = d.int(2, 50);
    const verb = d.pick("gives", "sends");
    return follow(d, s, "-", b, `${s.owner.He} ${verb} ${amountOf(s.noun, b)} to ${s.owner.his} ${d.relative()}.`);
  },
  lose: (d, s) => {
    const b = d.int(2, 50);
    return follow(d, s, "-", b, `Then ${s.owner.he} ${d.pick("loses", "spends")} ${amountOf(s.noun, b)}.`);
  },
  givePart: (d, s) => {
    const k = d.int(2, 5);
    const given = d.step(
      s.amount,
      "/",
      k,
      `${s.owner.name} gives away${s.noun === money ? " $" : ""}`,
      s.noun === money ? "" : s.noun,
    );
    const left = d.step(s.amount, "-", given.result, ...has(s.owner, s.noun));
    return {
      beats: [beat(`${s.owner.He} gives ${part(k)} of it away.`, given, left)],
      next: { ...s, amount: left.result },
    };
  },
  giveEach: (d, s) => {
    const [who, j, b] = [d.children(), d.int(2, 9), d.int(2, 9)];
    const dollar = s.noun === money;
    const given = d.step(j, "*", b, `${s.owner.name} gives away${dollar ? " $" : ""}`, dollar ? "" : s.noun);
    const left = d.step(s.amount, "-", given.result, ...has(s.owner, s.noun));
    const say = `${s.owner.He} gives ${amountOf(s.noun, b)} to each of ${String(j)} ${who}.`;
    return { beats: [beat(say, given, left)], next: { ...s, amount: left.result } };
  },
  more: (d, s) => {
    const b = d.int(2, 40);
    return compare(d, s, "+", b, `${amountOf(s.noun, b)} more than`);
  },
  fewer: (d, s) => {
    const b = d.int(2, 40);
    return compare(d, s, "-", b, `${amountOf(s.noun, b)} ${s.noun === money ? "less" : "fewer"} than`);
  },
  times: (d, s) => {
    const k = d.int(2, 5);
    return compare(d, s, "*", k, `${times(k)} as ${much(s.noun)} as`);
  },
  part: (d, s) => {
    const k = d.int(2, 5);
    return compare(d, s, "/", k, `${part(k)} as ${much(s.noun)} as`);
  },
  together: (d, s) => {
    if (s.other === undefined) return { beats: [] };
    const dollar = s.noun === money;
    const all = d.step(s.other, "+", s.amount, `Together they have${dollar ? " $" : ""}`, dollar ? "" : s.noun);
    return { beats: [beat(`They put ${dollar ? "the money" : "them"} together.`, all)] };
  },
  share: (d, s) => {
    const [who, k, dollar] = [d.children(), d.int(2, 9), s.noun === money];
    const each = d.step(s.amount, "/", k, `Each gets${dollar ? " $" : ""}`, dollar ? "" : s.noun);
    return {
      beats: [beat(`${s.owner.He} shares ${dollar ? "the money" : "them"} equally among ${String(k)} ${who}.`, each)],
    };
  },
  pack: (d, s) => {
    if (s.noun === money) return { beats: [] };
    const [h, k] = [d.holder(), d.int(2, 9)];
    const each = d.step(s.amount, "/", k, `Each ${h.one} holds`, s.noun);
    return { beats: [beat(`${s.owner.He} packs them equally into ${String(k)} ${h.many}.`, each)] };
  },
  last: (d, s) => {
    if (s.noun === money) return { beats: [] };
    const k = d.int(2, 9);
    const days = d.step(s.amount, "/", k, "They last", "days");
    return { beats: [beat(`${s.owner.He} uses ${String(k)} ${s.noun} each day.`, days)] };
  },
  sell: (d, s) => {
    if (s.noun === money) return { beats: [] };
    const c = d.int(2, 9);
    const all = d.step(s.amount, "*", c, `${s.owner.name} earns $`, "");
    const next = { owner: s.owner, noun: money, amount: all.result };
    return { beats: [beat(`${s.owner.He} sells them for $${String(c)} each.`, all)], next };
  },
  buy: (d, s) => {
    if (s.noun !== money) return { beats: [] };
    const [n, k, c] = [d.good(), d.int(2, 9), d.int(2, 12)];
    const cost = d.step(k, "*", c, `The ${n} cost $`, "");
    const left = d.step(s.amount, "-", cost.result, `${s.owner.name} has $`, "left");
    const say = `${s.owner.He} buys ${String(k)} ${n} at $${String(c)} each.`;
    return { beats: [beat(say, cost, left)], next: { ...s, amount: left.result } };
  },
};

/** The turns of the unseen forms: no free story holds one of these in a row. */
export const withheldTurns: readonly string[] = [
  "boxes,get,share",
  "things,times,sell",
  "things,more,pack",
  "dollars,lose,buy",
  "wage,part",
  "pages,times",
  "boxes,fewer",
  "give,times",
  "lose,times",
  "dollars,give,buy",
  "boxes,giveEach",
];

function isWithheld(names: readonly string[]): boolean {
  const row = `,${names.join(",")},`;
  return withheldTurns.some((held) => row.includes(`,${held},`));
}

const freeForm: Form = {
  id: "free",
  build: (d) => {
    const names: string[] = [d.pick(...Object.keys(starts))];
    const first = starts[names[0] ?? ""];
    if (first === undefined) throw new RangeError("no such start");
    let turn = first(d);
    const beats: Beat[] = [...turn.beats];
    const count = d.int(1, 3);
    while (names.length <= count && turn.next !== undefined) {
      const name = d.pick(...Object.keys(turns));
      const made = isWithheld([...names, name]) ? undefined : turns[name]?.(d, turn.next);
      if (made === undefined || made.beats.length === 0) continue;
      names.push(name);
      beats.push(...made.beats);
      turn = made;
    }
    return [...beats, beat("")];
  },
};

/** A story of free turns whose equations are not those of any problem in `taken`. */
export function newFreeStory(random: Random, taken: ReadonlySet<string>): Problem {
  for (;;) {
    const story = drawProblem(freeForm, random);
    if (!taken.has(equationsOf(story))) return story;
  }
}

/** A problem's equations without their results, in a row. */
export function equationsOf(problem: Problem): string {
  return problem.steps.map(expression).join(",");
}

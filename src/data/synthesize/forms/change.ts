/** @file Forms about one amount that changes: got, given, lost, halved. */
import { type Form, part, times } from "../form";
import { beat } from "../story";

export const changeForms: readonly Form[] = [
  {
    id: "get-give",
    build: (d) => {
      const p = d.person();
      const n = d.thing();
      const [a, b, c] = [d.int(5, 70), d.int(3, 50), d.int(2, 60)];
      const now = d.step(a, "+", b, `${p.name} has`, n);
      const left = d.step(now.result, "-", c, `${p.name} has`, `${n} left`);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${p.He} ${d.pick("buys", "finds", "gets")} ${String(b)} more.`, now),
        beat(`Then ${p.he} gives ${String(c)} to ${p.his} ${d.relative()}.`, left),
        beat(`How many ${n} does ${p.name} have left?`),
      ];
    },
  },
  {
    id: "give-give",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, b, c] = [d.int(20, 120), d.int(3, 50), d.int(3, 50)];
      const now = d.step(a, "-", b, `${p.name} has`, `${n} left`);
      const left = d.step(now.result, "-", c, `${p.name} has`, `${n} left`);
      return [
        beat(`${p.name} ${d.pick("has", "owns", "starts with")} ${String(a)} ${n}.`),
        beat(`${p.He} gives ${String(b)} to ${q.name}.`, now),
        beat(`${p.He} gives ${String(c)} to ${p.his} ${d.relative()}.`, left),
        beat(`How many ${n} are left?`),
      ];
    },
  },
  {
    id: "get-get-lose",
    build: (d) => {
      const p = d.person();
      const n = d.thing();
      const [a, b, c, e] = [d.int(4, 40), d.int(3, 40), d.int(3, 40), d.int(2, 30)];
      const first = d.step(a, "+", b, `${p.name} has`, n);
      const second = d.step(first.result, "+", c, `${p.name} has`, n);
      const left = d.step(second.result, "-", e, `${p.name} has`, `${n} left`);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`In the morning ${p.he} gets ${String(b)}.`, first),
        beat(`In the evening ${p.he} gets ${String(c)} more.`, second),
        beat(`At night ${p.he} loses ${String(e)}.`, left),
        beat(`How many ${n} does ${p.he} have left?`),
      ];
    },
  },
  {
    id: "give-part-get",
    build: (d) => {
      const p = d.person();
      const n = d.thing();
      const [k, b] = [d.int(2, 5), d.int(3, 40)];
      const a = k * d.int(3, 16);
      const given = d.step(a, "/", k, `${p.name} gives away`, n);
      const left = d.step(a, "-", given.result, `${p.name} has`, `${n} left`);
      const now = d.step(left.result, "+", b, `${p.name} has`, n);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${p.He} gives ${part(k)} of them to ${p.his} ${d.relative()}.`, given, left),
        beat(`Then ${p.he} ${d.pick("buys", "finds", "gets")} ${String(b)} more.`, now),
        beat(`How many ${n} does ${p.name} have now?`),
      ];
    },
  },
  {
    id: "get-then-half",
    build: (d) => {
      const p = d.person();
      const n = d.thing();
      const [a, b] = [d.int(5, 70), d.int(3, 50)];
      const now = d.step(a, "+", b, `${p.name} has`, n);
      const given = d.step(now.result, "/", 2, `${p.name} gives away`, n);
      return [
        beat(`${p.name} has ${String(a)} ${n} and ${d.pick("buys", "finds", "gets")} ${String(b)} more.`, now),
        beat(`${p.He} gives half of all the ${n} to ${p.his} ${d.relative()}.`, given),
        beat(`How many ${n} does ${p.name} give away?`),
      ];
    },
  },
  {
    id: "times-then-lose",
    build: (d) => {
      const p = d.person();
      const n = d.thing();
      const [a, k, b] = [d.int(4, 50), d.int(2, 4), d.int(3, 60)];
      const now = d.step(a, "*", k, `${p.name} has`, n);
      const left = d.step(now.result, "-", b, `${p.name} has`, `${n} left`);
      return [
        beat(`${p.name} had ${String(a)} ${n} last year.`),
        beat(`This year ${p.he} has ${times(k)} as many.`, now),
        beat(`Today ${p.he} ${d.pick("loses", "sells", "breaks")} ${String(b)} of them.`, left),
        beat(`How many ${n} are left?`),
      ];
    },
  },
  {
    id: "bus-stops",
    build: (d) => {
      const who = d.pick("bus", "train", "boat", "tram");
      const [a, b, c, e] = [d.int(10, 60), d.int(3, 30), d.int(3, 30), d.int(3, 30)];
      const first = d.step(a, "-", b, `The ${who} has`, "people");
      const second = d.step(first.result, "+", c, `The ${who} has`, "people");
      const third = d.step(second.result, "+", e, `The ${who} has`, "people");
      return [
        beat(`A ${who} starts with ${String(a)} people.`),
        beat(`At the first stop ${String(b)} people get off`, first),
        beat(`and ${String(c)} get on.`, second),
        beat(`At the next stop ${String(e)} more get on.`, third),
        beat(`How many people are on the ${who} now?`),
      ];
    },
  },
  {
    id: "start-unknown",
    build: (d) => {
      const p = d.person();
      const n = d.thing();
      const [b, c, now] = [d.int(3, 40), d.int(3, 40), d.int(5, 80)];
      const before = d.step(now, "+", c, "Before giving there were", n);
      const start = d.step(before.result, "-", b, "At first there were", n);
      return [
        beat(`${p.name} had some ${n}.`),
        beat(`${p.He} bought ${String(b)} and gave ${String(c)} away.`),
        beat(`Now ${p.he} has ${String(now)}.`, before, start),
        beat(`How many ${n} did ${p.name} have at first?`),
      ];
    },
  },
  {
    id: "needs-more",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [goal, a, b] = [d.int(30, 150), d.int(4, 60), d.int(4, 60)];
      const now = d.step(a, "+", b, `${p.name} has`, n);
      const more = d.step(goal, "-", now.result, `${p.name} needs`, `more ${n}`);
      return [
        beat(`${p.name} wants ${String(goal)} ${n}.`),
        beat(`${p.He} has ${String(a)} and ${q.name} gives ${p.name} ${String(b)}.`, now, more),
        beat(`How many more ${n} does ${p.name} need?`),
      ];
    },
  },
  {
    id: "eat-part-then-some",
    build: (d) => {
      const p = d.person();
      const n = d.food();
      const [k, b] = [d.int(2, 5), d.int(2, 30)];
      const a = k * d.int(3, 20);
      const eaten = d.step(a, "/", k, `The family eats`, n);
      const left = d.step(a, "-", eaten.result, "There are", `${n} left`);
      const end = d.step(left.result, "-", b, "There are", `${n} left`);
      return [
        beat(`${p.name} ${d.pick("bakes", "buys", "brings", "picks")} ${String(a)} ${n}.`),
        beat(`The family eats ${part(k)} of them.`, eaten, left),
        beat(`Then ${p.his} ${d.relative()} takes ${String(b)}.`, end),
        beat(`How many ${n} are left in the end?`),
      ];
    },
  },
];

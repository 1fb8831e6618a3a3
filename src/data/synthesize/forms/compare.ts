/** @file Forms that compare what people have: more, fewer, times as many, half as many. */
import { type Form, part, times } from "../form";
import { beat } from "../story";

export const compareForms: readonly Form[] = [
  {
    id: "more-together",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, b] = [d.int(4, 80), d.int(2, 40)];
      const other = d.step(a, "+", b, `${q.name} has`, n);
      const all = d.step(a, "+", other.result, "Together they have", n);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${String(b)} more ${n} than ${p.name}.`, other, all),
        beat(`How many ${n} do they have together?`),
      ];
    },
  },
  {
    id: "fewer-together",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, b] = [d.int(8, 90), d.int(2, 50)];
      const other = d.step(a, "-", b, `${q.name} has`, n);
      const all = d.step(a, "+", other.result, "Together they have", n);
      return [
        beat(`${p.name} ${d.pick("has", "found", "made")} ${String(a)} ${n}.`),
        beat(`${q.name} has ${String(b)} fewer ${n} than ${p.name}.`, other, all),
        beat(`How many ${n} do they have together?`),
      ];
    },
  },
  {
    id: "times-together",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, k] = [d.int(3, 50), d.int(2, 5)];
      const other = d.step(a, "*", k, `${q.name} has`, n);
      const all = d.step(a, "+", other.result, "Together they have", n);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${times(k)} as many ${n} as ${p.name}.`, other, all),
        beat(`How many ${n} do they have together?`),
      ];
    },
  },
  {
    id: "part-together",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const k = d.int(2, 5);
      const a = k * d.int(2, 20);
      const other = d.step(a, "/", k, `${q.name} has`, n);
      const all = d.step(a, "+", other.result, "Together they have", n);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${part(k)} as many ${n} as ${p.name}.`, other, all),
        beat(`How many ${n} do they have together?`),
      ];
    },
  },
  {
    id: "times-difference",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, k] = [d.int(3, 40), d.int(3, 5)];
      const other = d.step(a, "*", k, `${q.name} has`, n);
      const gap = d.step(other.result, "-", a, `${q.name} has`, `more ${n}`);
      return [
        beat(`${p.name} has ${String(a)} ${n} and ${q.name} has ${times(k)} as many.`, other, gap),
        beat(`How many more ${n} does ${q.name} have than ${p.name}?`),
      ];
    },
  },
  {
    id: "more-then-times",
    build: (d) => {
      const [p, q, r] = d.trio();
      const n = d.thing();
      const [a, b, k] = [d.int(3, 40), d.int(2, 30), d.int(2, 4)];
      const second = d.step(a, "+", b, `${q.name} has`, n);
      const third = d.step(second.result, "*", k, `${r.name} has`, n);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${String(b)} more than ${p.name}.`, second),
        beat(`${r.name} has ${times(k)} as many as ${q.name}.`, third),
        beat(`How many ${n} does ${r.name} have?`),
      ];
    },
  },
  {
    id: "three-people-total",
    build: (d) => {
      const [p, q, r] = d.trio();
      const n = d.thing();
      const [a, k, c] = [d.int(3, 25), d.int(2, 4), d.int(2, 25)];
      const second = d.step(a, "*", k, `${q.name} has`, n);
      const third = d.step(second.result, "+", c, `${r.name} has`, n);
      const both = d.step(a, "+", second.result, `${p.name} and ${q.name} have`, n);
      const all = d.step(both.result, "+", third.result, "All three have", n);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${times(k)} as many as ${p.name}.`, second),
        beat(`${r.name} has ${String(c)} more than ${q.name}.`, third, both, all),
        beat(`How many ${n} do all three have?`),
      ];
    },
  },
  {
    id: "more-then-fewer",
    build: (d) => {
      const [p, q, r] = d.trio();
      const n = d.thing();
      const [a, b, c] = [d.int(5, 80), d.int(3, 50), d.int(3, 50)];
      const second = d.step(a, "+", b, `${q.name} has`, n);
      const third = d.step(second.result, "-", c, `${r.name} has`, n);
      return [
        beat(`${p.name} ${d.pick("has", "collects", "makes")} ${String(a)} ${n}.`),
        beat(`${q.name} has ${String(b)} more than ${p.name}.`, second),
        beat(`${r.name} has ${String(c)} fewer than ${q.name}.`, third),
        beat(`How many ${n} does ${r.name} have?`),
      ];
    },
  },
  {
    id: "times-then-give",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, k, b] = [d.int(3, 40), d.int(2, 5), d.int(2, 50)];
      const other = d.step(a, "*", k, `${q.name} has`, n);
      const left = d.step(other.result, "-", b, `${q.name} has`, `${n} left`);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${times(k)} as many.`, other),
        beat(`Then ${q.name} gives ${String(b)} of them away.`, left),
        beat(`How many ${n} does ${q.name} have left?`),
      ];
    },
  },
  {
    id: "part-then-more",
    build: (d) => {
      const [p, q, r] = d.trio();
      const n = d.thing();
      const [k, c] = [d.int(2, 5), d.int(2, 40)];
      const a = k * d.int(2, 18);
      const second = d.step(a, "/", k, `${q.name} has`, n);
      const third = d.step(second.result, "+", c, `${r.name} has`, n);
      const both = d.step(second.result, "+", third.result, `${q.name} and ${r.name} have`, n);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${part(k)} as many as ${p.name}.`, second),
        beat(`${r.name} has ${String(c)} more than ${q.name}.`, third, both),
        beat(`How many ${n} do ${q.name} and ${r.name} have together?`),
      ];
    },
  },
  {
    id: "age-half",
    build: (d) => {
      const [p, q, r] = d.trio();
      const [a, b] = [d.int(8, 50), d.int(2, 24)];
      const second = d.step(a, "+", b, `${q.name} is`, "years old");
      const third = d.step(second.result, "/", 2, `${r.name} is`, "years old");
      return [
        beat(`${p.name} is ${String(a)} years old.`),
        beat(`${q.name} is ${String(b)} years older than ${p.name}.`, second),
        beat(`${r.name} is half as old as ${q.name}.`, third),
        beat(`How old is ${r.name}?`),
      ];
    },
  },
  {
    id: "age-later",
    build: (d) => {
      const [p, q] = d.pair();
      const [a, k, c] = [d.int(3, 20), d.int(2, 5), d.int(2, 20)];
      const second = d.step(a, "*", k, `${q.name} is`, "years old");
      const later = d.step(second.result, "+", c, `Later ${q.name} will be`, "years old");
      return [
        beat(`${p.name} is ${String(a)} years old.`),
        beat(`${q.name} is ${times(k)} as old as ${p.name}.`, second, later),
        beat(`How old will ${q.name} be in ${String(c)} years?`),
      ];
    },
  },
  {
    id: "join-and-share",
    build: (d) => {
      const [p, q] = d.pair();
      const [n, who] = [d.thing(), d.children()];
      const [a, b, k] = [d.int(5, 60), d.int(5, 60), d.int(2, 8)];
      const all = d.step(a, "+", b, "Together they have", n);
      const each = d.step(all.result, "/", k, "Each gets", n);
      return [
        beat(`${p.name} has ${String(a)} ${n} and ${q.name} has ${String(b)}.`, all),
        beat(`They share all of them equally among ${String(k)} ${who}.`, each),
        beat(`How many ${n} does each get?`),
      ];
    },
  },
  {
    id: "gap-after-buying",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, b, c] = [d.int(5, 80), d.int(5, 90), d.int(3, 50)];
      const now = d.step(a, "+", c, `${p.name} has`, n);
      const gap = d.step(now.result, "-", b, `${p.name} has`, `more ${n}`);
      return [
        beat(`${p.name} has ${String(a)} ${n} and ${q.name} has ${String(b)}.`),
        beat(`${p.name} ${d.pick("buys", "finds", "gets")} ${String(c)} more.`, now, gap),
        beat(`How many more ${n} does ${p.name} have than ${q.name} now?`),
      ];
    },
  },
];

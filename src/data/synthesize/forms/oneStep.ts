/** @file Forms of a single step. */
import { type Form, part, times } from "../form";
import { beat } from "../story";

export const oneStepForms: readonly Form[] = [
  {
    id: "one-more",
    build: (d) => {
      const p = d.person();
      const n = d.thing();
      const [a, b] = [d.int(3, 140), d.int(2, 100)];
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${p.He} ${d.pick("buys", "finds", "gets")} ${String(b)} more.`, d.step(a, "+", b, `${p.name} has`, n)),
        beat(`How many ${n} does ${p.name} have now?`),
      ];
    },
  },
  {
    id: "one-less",
    build: (d) => {
      const p = d.person();
      const n = d.thing();
      const [a, b] = [d.int(5, 220), d.int(2, 150)];
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(
          `${p.He} ${d.pick("gives", "sells", "sends")} ${String(b)} to ${p.his} ${d.relative()}.`,
          d.step(a, "-", b, `${p.name} has`, `${n} left`),
        ),
        beat(`How many ${n} are left?`),
      ];
    },
  },
  {
    id: "one-boxes",
    build: (d) => {
      const p = d.person();
      const [n, h] = [d.thing(), d.holder()];
      const [k, m] = [d.int(2, 12), d.int(2, 50)];
      return [
        beat(`${p.name} has ${String(k)} ${h.many}.`),
        beat(`Each ${h.one} holds ${String(m)} ${n}.`, d.step(k, "*", m, `${p.name} has`, n)),
        beat(`How many ${n} does ${p.name} have?`),
      ];
    },
  },
  {
    id: "one-share",
    build: (d) => {
      const p = d.person();
      const [n, who] = [d.food(), d.children()];
      const k = d.int(2, 10);
      const a = k * d.int(2, 40);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${p.He} shares them equally among ${String(k)} ${who}.`, d.step(a, "/", k, "Each gets", n)),
        beat(`How many ${n} does each get?`),
      ];
    },
  },
  {
    id: "one-times",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, k] = [d.int(2, 80), d.int(2, 5)];
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${times(k)} as many ${n} as ${p.name}.`, d.step(a, "*", k, `${q.name} has`, n)),
        beat(`How many ${n} does ${q.name} have?`),
      ];
    },
  },
  {
    id: "one-part",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const k = d.int(2, 5);
      const a = k * d.int(2, 40);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${part(k)} as many ${n} as ${p.name}.`, d.step(a, "/", k, `${q.name} has`, n)),
        beat(`How many ${n} does ${q.name} have?`),
      ];
    },
  },
  {
    id: "one-price",
    build: (d) => {
      const p = d.person();
      const n = d.good();
      const [k, c] = [d.int(2, 12), d.int(2, 40)];
      return [
        beat(`${p.name} buys ${String(k)} ${n} at $${String(c)} each.`, d.step(k, "*", c, `The ${n} cost $`, "")),
        beat(`How much do the ${n} cost?`),
      ];
    },
  },
  {
    id: "one-gap",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, b] = [d.int(5, 200), d.int(2, 150)];
      return [
        beat(
          `${p.name} has ${String(a)} ${n} and ${q.name} has ${String(b)}.`,
          d.step(a, "-", b, `${p.name} has`, `more ${n}`),
        ),
        beat(`How many more ${n} does ${p.name} have than ${q.name}?`),
      ];
    },
  },
];

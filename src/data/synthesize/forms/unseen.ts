/** @file Forms that are never trained on: relations of the trained forms in new combinations. */
import { type Form, part, times } from "../form";
import { beat } from "../story";

export const unseenForms: readonly Form[] = [
  {
    id: "unseen-boxes-more-share",
    build: (d) => {
      const p = d.person();
      const [n, h, who] = [d.thing(), d.holder(), d.children()];
      const [k, m, b, j] = [d.int(2, 10), d.int(3, 12), d.int(2, 40), d.int(2, 8)];
      const inside = d.step(k, "*", m, `${p.name} has`, n);
      const all = d.step(inside.result, "+", b, `${p.name} has`, n);
      const each = d.step(all.result, "/", j, "Each gets", n);
      return [
        beat(`${p.name} has ${String(k)} ${h.many} of ${String(m)} ${n} each.`, inside),
        beat(`${p.He} finds ${String(b)} more.`, all),
        beat(`${p.He} shares them equally among ${String(j)} ${who}.`, each),
        beat(`How many ${n} does each get?`),
      ];
    },
  },
  {
    id: "unseen-times-sell",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, k, c] = [d.int(3, 20), d.int(2, 5), d.int(2, 6)];
      const other = d.step(a, "*", k, `${q.name} has`, n);
      const money = d.step(other.result, "*", c, `${q.name} earns $`, "");
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${times(k)} as many.`, other),
        beat(`${q.name} sells them for $${String(c)} each.`, money),
        beat(`How much does ${q.name} earn?`),
      ];
    },
  },
  {
    id: "unseen-more-pack",
    build: (d) => {
      const [p, q] = d.pair();
      const [n, h] = [d.thing(), d.holder()];
      const [a, b, k] = [d.int(5, 60), d.int(3, 40), d.int(2, 9)];
      const other = d.step(a, "+", b, `${q.name} has`, n);
      const each = d.step(other.result, "/", k, `Each ${h.one} holds`, n);
      return [
        beat(`${p.name} has ${String(a)} ${n}.`),
        beat(`${q.name} has ${String(b)} more than ${p.name}.`, other),
        beat(`${q.name} packs them equally into ${String(k)} ${h.many}.`, each),
        beat(`How many ${n} are in each ${h.one}?`),
      ];
    },
  },
  {
    id: "unseen-spend-buy",
    build: (d) => {
      const p = d.person();
      const n = d.good();
      const [c, k, b, e] = [d.int(3, 12), d.int(2, 9), d.int(5, 40), d.int(40, 200)];
      const left = d.step(e, "-", b, `${p.name} has $`, "left");
      const cost = d.step(k, "*", c, `The ${n} cost $`, "");
      const end = d.step(left.result, "-", cost.result, `${p.name} has $`, "left");
      return [
        beat(`${p.name} has $${String(e)} and spends $${String(b)} on food.`, left),
        beat(`Then ${p.he} buys ${String(k)} ${n} at $${String(c)} each.`, cost, end),
        beat("How much money is left?"),
      ];
    },
  },
  {
    id: "unseen-earn-part",
    build: (d) => {
      const [p, q] = d.pair();
      const [c, k, j] = [d.int(4, 20), d.int(2, 10), d.int(2, 5)];
      const earned = d.step(c, "*", k, `${p.name} earns $`, "");
      const other = d.step(earned.result, "/", j, `${q.name} earns $`, "");
      return [
        beat(`${p.name} earns $${String(c)} an hour and works ${String(k)} hours.`, earned),
        beat(`${q.name} earns ${part(j)} as much as ${p.name}.`, other),
        beat(`How much does ${q.name} earn?`),
      ];
    },
  },
  {
    id: "unseen-pages-times",
    build: (d) => {
      const [p, q] = d.pair();
      const [m, k, j] = [d.int(3, 12), d.int(2, 9), d.int(2, 3)];
      const read = d.step(m, "*", k, `${p.name} reads`, "pages");
      const other = d.step(read.result, "*", j, `${q.name} reads`, "pages");
      const all = d.step(read.result, "+", other.result, "Together they read", "pages");
      return [
        beat(`${p.name} reads ${String(m)} pages a day for ${String(k)} days.`, read),
        beat(`${q.name} reads ${times(j)} as many pages as ${p.name}.`, other, all),
        beat("How many pages do they read together?"),
      ];
    },
  },
  {
    id: "unseen-boxes-fewer",
    build: (d) => {
      const [p, q] = d.pair();
      const [n, h] = [d.thing(), d.holder()];
      const [k, m, b] = [d.int(2, 12), d.int(3, 15), d.int(2, 60)];
      const all = d.step(k, "*", m, `${p.name} has`, n);
      const other = d.step(all.result, "-", b, `${q.name} has`, n);
      return [
        beat(`${p.name} has ${String(k)} ${h.many} of ${String(m)} ${n} each.`, all),
        beat(`${q.name} has ${String(b)} fewer ${n} than ${p.name}.`, other),
        beat(`How many ${n} does ${q.name} have?`),
      ];
    },
  },
  {
    id: "unseen-give-then-times",
    build: (d) => {
      const [p, q] = d.pair();
      const n = d.thing();
      const [a, b, k] = [d.int(8, 70), d.int(3, 40), d.int(2, 5)];
      const left = d.step(a, "-", b, `${p.name} has`, `${n} left`);
      const other = d.step(left.result, "*", k, `${q.name} has`, n);
      return [
        beat(`${p.name} has ${String(a)} ${n} and gives ${String(b)} to ${p.his} ${d.relative()}.`, left),
        beat(`Now ${q.name} has ${times(k)} as many as ${p.name}.`, other),
        beat(`How many ${n} does ${q.name} have?`),
      ];
    },
  },
  {
    id: "unseen-growth-cut",
    build: (d) => {
      const what = d.pick("plant", "tree", "vine", "sunflower");
      const [a, m, k, b] = [d.int(5, 90), d.int(2, 12), d.int(2, 10), d.int(2, 40)];
      const grown = d.step(m, "*", k, `The ${what} grows`, "cm");
      const tall = d.step(a, "+", grown.result, `The ${what} is`, "cm tall");
      const end = d.step(tall.result, "-", b, `The ${what} is`, "cm tall");
      return [
        beat(`A ${what} is ${String(a)} cm tall.`),
        beat(`It grows ${String(m)} cm a week for ${String(k)} weeks.`, grown, tall),
        beat(`Then it loses ${String(b)} cm.`, end),
        beat("How tall is it then?"),
      ];
    },
  },
  {
    id: "unseen-packs-to-friends",
    build: (d) => {
      const p = d.person();
      const [n, h, who] = [d.food(), d.holder(), d.children()];
      const [k, m, j, b] = [d.int(2, 12), d.int(4, 15), d.int(2, 10), d.int(2, 10)];
      const all = d.step(k, "*", m, `${p.name} has`, n);
      const given = d.step(j, "*", b, `${p.name} gives away`, n);
      const left = d.step(all.result, "-", given.result, "There are", `${n} left`);
      return [
        beat(`${p.name} buys ${String(k)} ${h.many} of ${String(m)} ${n} each.`, all),
        beat(`${p.He} gives ${String(b)} ${n} to each of ${String(j)} ${who}.`, given, left),
        beat(`How many ${n} are left?`),
      ];
    },
  },
];

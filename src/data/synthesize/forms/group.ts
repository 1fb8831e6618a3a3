/** @file Forms about equal groups: boxes, rows, shares, packs. */
import { type Form, part } from "../form";
import { beat } from "../story";

export const groupForms: readonly Form[] = [
  {
    id: "boxes-and-loose",
    build: (d) => {
      const p = d.person();
      const [n, h] = [d.thing(), d.holder()];
      const [k, m, b] = [d.int(2, 12), d.int(3, 20), d.int(2, 60)];
      const inside = d.step(k, "*", m, `The ${h.many} hold`, n);
      const all = d.step(inside.result, "+", b, `${p.name} has`, n);
      return [
        beat(`${p.name} has ${String(k)} ${h.many} with ${String(m)} ${n} each`, inside),
        beat(`and ${String(b)} loose ${n}.`, all),
        beat(`How many ${n} does ${p.name} have in all?`),
      ];
    },
  },
  {
    id: "boxes-then-give",
    build: (d) => {
      const p = d.person();
      const [n, h] = [d.thing(), d.holder()];
      const [k, m, b] = [d.int(2, 12), d.int(3, 20), d.int(2, 80)];
      const inside = d.step(k, "*", m, `${p.name} has`, n);
      const left = d.step(inside.result, "-", b, `${p.name} has`, `${n} left`);
      return [
        beat(`${p.name} ${d.pick("has", "buys", "fills")} ${String(k)} ${h.many} of ${String(m)} ${n} each.`, inside),
        beat(`${p.He} gives ${String(b)} ${n} to ${p.his} ${d.relative()}.`, left),
        beat(`How many ${n} are left?`),
      ];
    },
  },
  {
    id: "two-kinds",
    build: (d) => {
      const p = d.person();
      const [[n, m], h] = [d.two(), d.holder()];
      const [k, a, j, b] = [d.int(2, 10), d.int(2, 12), d.int(2, 10), d.int(2, 12)];
      const first = d.step(k, "*", a, "There are", n);
      const second = d.step(j, "*", b, "There are", m);
      const all = d.step(first.result, "+", second.result, `${p.name} has`, "things");
      return [
        beat(`${p.name} has ${String(k)} ${h.many} of ${String(a)} ${n} each`, first),
        beat(`and ${String(j)} ${h.many} of ${String(b)} ${m} each.`, second, all),
        beat("How many things is that in all?"),
      ];
    },
  },
  {
    id: "broken-then-pack",
    build: (d) => {
      const p = d.person();
      const [n, h] = [d.thing(), d.holder()];
      const [k, each, b] = [d.int(2, 9), d.int(3, 14), d.int(2, 30)];
      const a = k * each + b;
      const good = d.step(a, "-", b, "There are", `good ${n}`);
      const packed = d.step(good.result, "/", k, `Each ${h.one} holds`, n);
      return [
        beat(`${p.name} has ${String(a)} ${n}, but ${String(b)} are broken.`, good),
        beat(`${p.He} packs the rest equally into ${String(k)} ${h.many}.`, packed),
        beat(`How many ${n} are in each ${h.one}?`),
      ];
    },
  },
  {
    id: "packs-shared",
    build: (d) => {
      const p = d.person();
      const [n, h, who] = [d.food(), d.holder(), d.children()];
      const [k, m, j] = [d.int(2, 12), d.int(2, 16), d.int(2, 10)];
      const all = d.step(k, "*", m, `${p.name} has`, n);
      const each = d.step(all.result, "/", j, "Each gets", n);
      return [
        beat(
          `${p.name} ${d.pick("has", "buys", "brings")} ${String(k)} ${h.many} with ${String(m)} ${n} in each.`,
          all,
        ),
        beat(`${p.He} shares them equally among ${String(j)} ${who}.`, each),
        beat(`How many ${n} does each get?`),
      ];
    },
  },
  {
    id: "rows-free",
    build: (d) => {
      const place = d.pick("hall", "cinema", "room", "theater");
      const [k, m, b] = [d.int(3, 12), d.int(4, 20), d.int(5, 120)];
      const all = d.step(k, "*", m, `The ${place} has`, "seats");
      const free = d.step(all.result, "-", b, "There are", "free seats");
      return [
        beat(`A ${place} has ${String(k)} rows of ${String(m)} seats.`, all),
        beat(`${String(b)} seats are taken.`, free),
        beat("How many seats are free?"),
      ];
    },
  },
  {
    id: "tables-needed",
    build: (d) => {
      const [who, place] = [d.children(), d.pick("party", "picnic", "dinner", "wedding")];
      const [a, b, k] = [d.int(6, 60), d.int(4, 40), d.int(3, 10)];
      const all = d.step(a, "+", b, "There are", "people");
      const tables = d.step(all.result, "/", k, "They need", "tables");
      return [
        beat(`${String(a)} ${who} and ${String(b)} parents come to a ${place}.`, all),
        beat(`Each table seats ${String(k)} people.`, tables),
        beat("How many tables do they need?"),
      ];
    },
  },
  {
    id: "packs-last",
    build: (d) => {
      const p = d.person();
      const [n, h] = [d.food(), d.holder()];
      const [k, m, j] = [d.int(2, 12), d.int(3, 16), d.int(2, 10)];
      const all = d.step(k, "*", m, `${p.name} has`, n);
      const last = d.step(all.result, "/", j, "They last", "days");
      return [
        beat(`${p.name} buys ${String(k)} ${h.many} of ${String(m)} ${n}.`, all),
        beat(`${p.He} eats ${String(j)} ${n} each day.`, last),
        beat(`How many days do the ${n} last?`),
      ];
    },
  },
  {
    id: "eggs-sold",
    build: (d) => {
      const p = d.person();
      const birds = d.pick("hens", "ducks", "geese");
      const [k, m, b, c] = [d.int(3, 12), d.int(2, 6), d.int(2, 30), d.int(2, 6)];
      const all = d.step(k, "*", m, `The ${birds} lay`, "eggs");
      const rest = d.step(all.result, "-", b, `${p.name} sells`, "eggs");
      const money = d.step(rest.result, "*", c, `${p.name} earns $`, "");
      return [
        beat(`${p.name} has ${String(k)} ${birds} that lay ${String(m)} eggs each.`, all),
        beat(`${p.He} keeps ${String(b)} eggs`, rest),
        beat(`and sells the rest for $${String(c)} each.`, money),
        beat(`How much does ${p.name} earn?`),
      ];
    },
  },
  {
    id: "pages-left",
    build: (d) => {
      const p = d.person();
      const [a, m, k] = [d.int(40, 240), d.int(5, 25), d.int(2, 9)];
      const read = d.step(m, "*", k, `${p.name} reads`, "pages");
      const left = d.step(a, "-", read.result, "There are", "pages left");
      return [
        beat(`${p.name} reads a book of ${String(a)} pages.`),
        beat(`${p.He} reads ${String(m)} pages a day for ${String(k)} days.`, read, left),
        beat("How many pages are left?"),
      ];
    },
  },
  {
    id: "pages-to-finish",
    build: (d) => {
      const p = d.person();
      const [m, k, b] = [d.int(3, 10), d.int(3, 15), d.int(5, 80)];
      const a = m * k + b;
      const left = d.step(a, "-", b, "There are", "pages left");
      const needed = d.step(left.result, "/", m, `${p.name} needs`, "days");
      return [
        beat(`A book has ${String(a)} pages and ${p.name} has read ${String(b)} of them.`, left),
        beat(`From now on ${p.he} reads ${String(m)} pages a day.`, needed),
        beat(`How many days does ${p.he} need to finish?`),
      ];
    },
  },
  {
    id: "more-shelves",
    build: (d) => {
      const p = d.person();
      const [n, h] = [d.thing(), d.holder()];
      const [k, j, m] = [d.int(2, 9), d.int(2, 9), d.int(3, 12)];
      const count = d.step(k, "+", j, `${p.name} has`, h.many);
      const all = d.step(count.result, "*", m, `${p.name} has`, n);
      return [
        beat(`${p.name} has ${String(k)} ${h.many} and buys ${String(j)} more.`, count),
        beat(`Each ${h.one} holds ${String(m)} ${n}.`, all),
        beat(`How many ${n} does ${p.name} have?`),
      ];
    },
  },
  {
    id: "garden-part",
    build: (d) => {
      const p = d.person();
      const n = d.plant();
      const [k, m, c] = [d.int(2, 12), d.int(3, 16), d.int(2, 4)];
      const all = d.step(k, "*", m, "There are", n);
      const sold = d.step(all.result, "/", c, `${p.name} sells`, n);
      const left = d.step(all.result, "-", sold.result, "There are", `${n} left`);
      return [
        beat(`${p.name} plants ${String(k)} rows of ${String(m)} ${n}.`, all),
        beat(`${p.He} sells ${part(c)} of them.`, sold, left),
        beat(`How many ${n} are left?`),
      ];
    },
  },
];

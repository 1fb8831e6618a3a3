/** @file Forms about money: buying, change, wages, saving, sharing a bill. */
import { type Form, times } from "../form";
import { beat } from "../story";

export const moneyForms: readonly Form[] = [
  {
    id: "buy-change",
    build: (d) => {
      const p = d.person();
      const n = d.good();
      const [k, c, b] = [d.int(2, 12), d.int(2, 15), d.int(10, 200)];
      const cost = d.step(k, "*", c, `The ${n} cost $`, "");
      const change = d.step(b, "-", cost.result, `${p.name} gets back $`, "");
      return [
        beat(`${p.name} buys ${String(k)} ${n} at $${String(c)} each`, cost),
        beat(`and pays with $${String(b)}.`, change),
        beat(`How much change does ${p.he} get?`),
      ];
    },
  },
  {
    id: "buy-two-kinds",
    build: (d) => {
      const p = d.person();
      const [n, m] = d.goods2();
      const [k, a, j, b] = [d.int(2, 9), d.int(2, 12), d.int(2, 9), d.int(2, 12)];
      const first = d.step(k, "*", a, `The ${n} cost $`, "");
      const second = d.step(j, "*", b, `The ${m} cost $`, "");
      const all = d.step(first.result, "+", second.result, `${p.name} pays $`, "");
      return [
        beat(`${p.name} buys ${String(k)} ${n} at $${String(a)} each`, first),
        beat(`and ${String(j)} ${m} at $${String(b)} each.`, second, all),
        beat(`How much does ${p.he} pay?`),
      ];
    },
  },
  {
    id: "earn-then-spend",
    build: (d) => {
      const p = d.person();
      const [c, k, b] = [d.int(4, 20), d.int(2, 10), d.int(5, 90)];
      const earned = d.step(c, "*", k, `${p.name} earns $`, "");
      const left = d.step(earned.result, "-", b, `${p.name} has $`, "left");
      return [
        beat(`${p.name} earns $${String(c)} an hour and works ${String(k)} hours.`, earned),
        beat(`Then ${p.he} spends $${String(b)} on ${d.good()}.`, left),
        beat("How much money is left?"),
      ];
    },
  },
  {
    id: "days-to-goal",
    build: (d) => {
      const p = d.person();
      const [c, k, b] = [d.int(3, 10), d.int(3, 15), d.int(5, 80)];
      const price = c * k + b;
      const missing = d.step(price, "-", b, `${p.name} needs $`, "more");
      const needed = d.step(missing.result, "/", c, `${p.name} needs`, "days");
      return [
        beat(
          `${p.name} wants a ${d.pick("bike", "phone", "camera", "guitar")} for $${String(price)} and has $${String(b)}.`,
          missing,
        ),
        beat(`${p.He} saves $${String(c)} a day.`, needed),
        beat(`How many days does ${p.he} need?`),
      ];
    },
  },
  {
    id: "sell-profit",
    build: (d) => {
      const p = d.person();
      const n = d.good();
      const [b, k, c] = [d.int(10, 90), d.int(4, 12), d.int(3, 15)];
      const sales = d.step(k, "*", c, `${p.name} sells them for $`, "");
      const profit = d.step(sales.result, "-", b, `${p.name} gains $`, "");
      return [
        beat(`${p.name} pays $${String(b)} for ${String(k)} ${n}.`),
        beat(`${p.He} sells them at $${String(c)} each.`, sales, profit),
        beat(`How much does ${p.he} gain?`),
      ];
    },
  },
  {
    id: "discount",
    build: (d) => {
      const p = d.person();
      const n = d.good();
      const [a, b, k] = [d.int(6, 30), d.int(2, 12), d.int(2, 9)];
      const price = d.step(a, "-", b, "Each now costs $", "");
      const all = d.step(price.result, "*", k, `${p.name} pays $`, "");
      return [
        beat(`In a shop ${n} cost $${String(a)} each, but today they are $${String(b)} cheaper.`, price),
        beat(`${p.name} buys ${String(k)} of them.`, all),
        beat(`How much does ${p.he} pay?`),
      ];
    },
  },
  {
    id: "split-bill",
    build: (d) => {
      const who = d.children();
      const [k, c, b, j] = [d.int(2, 9), d.int(4, 15), d.int(2, 30), d.int(2, 6)];
      const meals = d.step(k, "*", c, "The meals cost $", "");
      const all = d.step(meals.result, "+", b, "The bill is $", "");
      const each = d.step(all.result, "/", j, "Each pays $", "");
      return [
        beat(`${String(j)} ${who} order ${String(k)} meals at $${String(c)} each.`, meals),
        beat(`They add a tip of $${String(b)}`, all),
        beat("and split the bill equally.", each),
        beat("How much does each pay?"),
      ];
    },
  },
  {
    id: "two-kinds-change",
    build: (d) => {
      const p = d.person();
      const [n, m] = d.goods2();
      const [k, a, j, b, e] = [d.int(2, 8), d.int(2, 10), d.int(2, 8), d.int(2, 10), d.int(20, 200)];
      const first = d.step(k, "*", a, `The ${n} cost $`, "");
      const second = d.step(j, "*", b, `The ${m} cost $`, "");
      const all = d.step(first.result, "+", second.result, `${p.name} pays $`, "");
      const change = d.step(e, "-", all.result, `${p.name} has $`, "left");
      return [
        beat(`${p.name} has $${String(e)}.`),
        beat(`${p.He} buys ${String(k)} ${n} at $${String(a)} each`, first),
        beat(`and ${String(j)} ${m} at $${String(b)} each.`, second, all, change),
        beat("How much money is left?"),
      ];
    },
  },
  {
    id: "two-days-pay",
    build: (d) => {
      const p = d.person();
      const [a, b, c] = [d.int(2, 9), d.int(2, 9), d.int(4, 14)];
      const hours = d.step(a, "+", b, `${p.name} works`, "hours");
      const pay = d.step(hours.result, "*", c, `${p.name} earns $`, "");
      return [
        beat(`${p.name} works ${String(a)} hours on Monday and ${String(b)} hours on Tuesday.`, hours),
        beat(`${p.He} earns $${String(c)} an hour.`, pay),
        beat(`How much does ${p.he} earn?`),
      ];
    },
  },
  {
    id: "price-times",
    build: (d) => {
      const p = d.person();
      const [item, other] = [d.pick("shirt", "book", "toy", "cake"), d.pick("coat", "lamp", "bag", "game")];
      const [a, k, b] = [d.int(4, 40), d.int(2, 5), d.int(3, 50)];
      const price = d.step(a, "*", k, `The ${other} costs $`, "");
      const both = d.step(a, "+", price.result, "Both cost $", "");
      const all = d.step(both.result, "+", b, `${p.name} spent $`, "");
      return [
        beat(`${p.name} bought a ${item} for $${String(a)}`),
        beat(`and a ${other} for ${times(k)} as much.`, price, both),
        beat(`${p.He} also spent $${String(b)} on food.`, all),
        beat(`How much did ${p.he} spend?`),
      ];
    },
  },
  {
    id: "child-tickets",
    build: (d) => {
      const place = d.pick("zoo", "museum", "circus", "park");
      const [k, j] = [d.int(2, 8), d.int(2, 10)];
      const c = 2 * d.int(2, 10);
      const child = d.step(c, "/", 2, "A child pays $", "");
      const adults = d.step(k, "*", c, "The adults pay $", "");
      const kids = d.step(j, "*", child.result, "The children pay $", "");
      const all = d.step(adults.result, "+", kids.result, "All pay $", "");
      return [
        beat(`An adult pays $${String(c)} at the ${place} and a child pays half as much.`, child),
        beat(`${String(k)} adults`, adults),
        beat(`and ${String(j)} children go in.`, kids, all),
        beat("How much do they pay in all?"),
      ];
    },
  },
];

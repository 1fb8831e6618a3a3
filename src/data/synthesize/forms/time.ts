/** @file Forms about time, distance, growth and flow. */
import { type Form, times } from "../form";
import { beat } from "../story";

export const timeForms: readonly Form[] = [
  {
    id: "two-speeds",
    build: (d) => {
      const p = d.person();
      const [u, verb] = [d.distance(), d.pick("runs", "walks", "rides", "swims")];
      const [k, a, j, b] = [d.int(2, 9), d.int(2, 12), d.int(2, 9), d.int(2, 12)];
      const first = d.step(k, "*", a, `First ${p.he} ${verb}`, u);
      const second = d.step(j, "*", b, `Then ${p.he} ${verb}`, u);
      const all = d.step(first.result, "+", second.result, `In all ${p.he} ${verb}`, u);
      return [
        beat(`${p.name} ${verb} ${String(a)} ${u} a day for ${String(k)} days`, first),
        beat(`and then ${String(b)} ${u} a day for ${String(j)} days.`, second, all),
        beat(`How many ${u} is that in all?`),
      ];
    },
  },
  {
    id: "trip-left",
    build: (d) => {
      const p = d.person();
      const u = d.distance();
      const [a, m, k] = [d.int(40, 240), d.int(8, 40), d.int(2, 6)];
      const done = d.step(m, "*", k, `${p.name} drives`, u);
      const left = d.step(a, "-", done.result, "There are", `${u} left`);
      return [
        beat(`A trip is ${String(a)} ${u} long.`),
        beat(`${p.name} drives ${String(m)} ${u} an hour for ${String(k)} hours.`, done, left),
        beat(`How many ${u} are left?`),
      ];
    },
  },
  {
    id: "minutes-three-days",
    build: (d) => {
      const p = d.person();
      const verb = d.pick("reads", "plays", "paints", "cooks");
      const [a, k, b] = [d.int(5, 40), d.int(2, 3), d.int(3, 40)];
      const second = d.step(a, "*", k, `On Tuesday ${p.he} ${verb}`, "minutes");
      const third = d.step(second.result, "-", b, `On Friday ${p.he} ${verb}`, "minutes");
      const both = d.step(a, "+", second.result, "The first two make", "minutes");
      const all = d.step(both.result, "+", third.result, "All three make", "minutes");
      return [
        beat(`${p.name} ${verb} ${String(a)} minutes on Monday`),
        beat(`and ${times(k)} as long on Tuesday.`, second),
        beat(`On Friday ${p.he} ${verb} ${String(b)} minutes less than on Tuesday.`, third, both, all),
        beat("How many minutes is that in all?"),
      ];
    },
  },
  {
    id: "daily-two",
    build: (d) => {
      const p = d.person();
      const verb = d.pick("trains", "reads", "practices", "works");
      const [a, b, k] = [d.int(4, 20), d.int(3, 20), d.int(3, 9)];
      const daily = d.step(a, "+", b, `${p.name} ${verb}`, "minutes a day");
      const all = d.step(daily.result, "*", k, `${p.name} ${verb}`, "minutes");
      return [
        beat(`${p.name} ${verb} ${String(a)} minutes each morning and ${String(b)} minutes each evening.`, daily),
        beat(`${p.He} does so for ${String(k)} days.`, all),
        beat("How many minutes is that?"),
      ];
    },
  },
  {
    id: "tank",
    build: (d) => {
      const [m, k, b] = [d.int(3, 20), d.int(2, 10), d.int(2, 60)];
      const filled = d.step(m, "*", k, "The pipe brings", "liters");
      const left = d.step(filled.result, "-", b, "The tank holds", "liters");
      return [
        beat(
          `A pipe brings ${String(m)} liters a minute into an empty ${d.pick("tank", "pool", "tub", "barrel")} for ${String(k)} minutes.`,
          filled,
        ),
        beat(`Then ${String(b)} liters leak out.`, left),
        beat("How many liters are in it now?"),
      ];
    },
  },
  {
    id: "growth",
    build: (d) => {
      const what = d.pick("plant", "tree", "vine", "sunflower");
      const [a, m, k] = [d.int(5, 90), d.int(2, 12), d.int(2, 12)];
      const grown = d.step(m, "*", k, `The ${what} grows`, "cm");
      const tall = d.step(a, "+", grown.result, `The ${what} is`, "cm tall");
      return [
        beat(`A ${what} is ${String(a)} cm tall.`),
        beat(`It grows ${String(m)} cm a week for ${String(k)} weeks.`, grown, tall),
        beat("How tall is it then?"),
      ];
    },
  },
  {
    id: "candle",
    build: (d) => {
      const what = d.pick("candle", "rope", "ribbon", "wire");
      const [a, m, k] = [d.int(20, 150), d.int(2, 12), d.int(2, 10)];
      const lost = d.step(m, "*", k, `The ${what} loses`, "cm");
      const left = d.step(a, "-", lost.result, `The ${what} is`, "cm long");
      return [
        beat(`A ${what} is ${String(a)} cm long.`),
        beat(`It loses ${String(m)} cm each hour for ${String(k)} hours.`, lost, left),
        beat(`How long is the ${what} then?`),
      ];
    },
  },
  {
    id: "half-way-more",
    build: (d) => {
      const [p, q] = d.pair();
      const [u, verb] = [d.distance(), d.pick("runs", "walks", "rides", "swims")];
      const b = d.int(2, 30);
      const a = 2 * d.int(3, 50);
      const half = d.step(a, "/", 2, `${q.name} ${verb}`, u);
      const more = d.step(half.result, "+", b, `In the end ${q.name} ${verb}`, u);
      return [
        beat(`${p.name} ${verb} ${String(a)} ${u}.`),
        beat(`${q.name} ${verb} half as far,`, half),
        beat(`and then ${String(b)} ${u} more.`, more),
        beat(`How many ${u} is that for ${q.name}?`),
      ];
    },
  },
];

/** @file The user's reward function in a real browser: the same answers, places and locks as in Node. */

import { afterEach, expect, test } from "vitest";
import { type RatedText, type RewardFault, rewardFault } from "../core/reward";
import { textOf } from "../core/say";
import { newRewardJail, type RewardJail } from "./rewardJail";

const row = (completion: string): RatedText => ({
  prompt: "Two and two?",
  completion,
  reference: "#### 4",
  tokens: completion.length,
  finished: true,
});
const rows = ["4", "", "#### 4"].map(row);

const jails: RewardJail[] = [];
const open = (code: string, deadline = 1000) => {
  const jail = newRewardJail({ name: "mine", code }, deadline);
  jails.push(jail);
  return jail;
};
afterEach(() => {
  for (const jail of jails.splice(0)) jail.close();
});

const failure = async (code: string, deadline = 1000): Promise<RewardFault & { code: string; text: string }> => {
  const error: unknown = await open(code, deadline)
    .rate(rows)
    .catch((thrown: unknown) => thrown);
  const fault = rewardFault(error);
  if (!fault) throw new Error(`No fault but ${String(error)}`);
  return { ...fault, code: (error as { code: string }).code, text: textOf(fault.what) };
};

test("declarations, arrows and functions of a group give their numbers", async () => {
  for (const code of [
    "function reward({ completion }) { return completion.length; }",
    "({ completion }) => completion.length; // end",
    "const rewards = (rows) => rows.map((row) => row.tokens)",
  ]) {
    expect(await open(code).rate(rows)).toEqual([1, 0, 6]);
  }
});

test.each<[string, string, Partial<RewardFault> & { text: RegExp; code?: string }]>([
  ["syntax", "function reward() {\n  return 1 +* 2;\n}", { line: 2, column: 13, row: null, text: /^SyntaxError/ }],
  ["a brace left open", "function reward() {\n  return 1;\n", { line: 2, text: /left open/ }],
  [
    "a throw",
    "(row) => {\n  if (!row.completion)\n    throw new Error('no');\n}",
    { line: null, row: 0, text: /nothing/ },
  ],
  ["a place", "({ completion }) => {\n  return completion.x.y;\n}", { line: 2, row: 0, text: /^TypeError/ }],
  ["no number", "({ tokens }) => 1 / tokens", { line: null, row: 1, text: /Infinity/ }],
  ["no synchronous one", "async () => 1", { row: 0, text: /not async/ }],
  ["the network", "() => fetch('/')", { line: 1, column: 7, row: 0, text: /^there is no network in a reward: fetch/ }],
  ["a script", "() => importScripts('/')", { line: 1, row: 0, text: /no network in a reward: importScripts/ }],
  ["a socket", "() => new WebSocket('wss://example.org')", { line: 1, text: /no network in a reward: WebSocket/ }],
  ["a timer", "() => setTimeout(() => 1)", { line: 1, text: /no timers in a reward/ }],
  ["code of text", "() => eval('1')", { line: 1, text: /no code of text: eval/ }],
  ["a module", "() => import('/x.js')", { line: 1, column: 7, text: /^import is not there/ }],
  ["a loop", "(r) => { while (!r.completion); return 1; }", { code: "jail.slow", row: 1, text: /300 ms/ }],
  ["a loop while it loads", "for (;;);", { code: "jail.slow", row: null, text: /300 ms/ }],
])("%s fails at its place", async (_, source, { text, code = "reward.failed", ...place }) => {
  const fault = await failure(source, code === "jail.slow" ? 300 : 2000);
  expect(fault).toMatchObject({ code, name: "mine", ...place });
  expect(fault.text).toMatch(text);
});

test("a list without end is stopped, and the same jail answers again", async () => {
  const jail = open(
    "({ completion }) => { const a = []; while (completion === 'eat') a.push([a.length, a]); return 1; }",
    500,
  );
  await expect(jail.rate([row("eat")])).rejects.toMatchObject({ code: expect.stringMatching(/^jail\./) as string });
  expect(await jail.rate(rows)).toEqual([1, 1, 1]);
});

test("nothing of the browser is left, whatever names the code brings along", async () => {
  const language =
    `globalThis isNaN isFinite parseInt parseFloat encodeURI encodeURIComponent decodeURI decodeURIComponent
    constructor NaN Infinity Object Boolean Symbol Number BigInt Math Date String RegExp Array Map Set WeakMap WeakSet WeakRef
    Promise Proxy Reflect JSON Intl Iterator Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError
    URIError TEMPORARY PERSISTENT`.split(/\s+/);
  const look = `() => {
    const [got, language] = [[], ${JSON.stringify(language)}];
    for (let at = globalThis; at && at !== [].__proto__.__proto__; at = ({}).constructor.getPrototypeOf(at))
      for (const name of ({}).constructor.getOwnPropertyNames(at)) {
        let value;
        try { value = globalThis[name]; } catch { continue; }
        if (value !== undefined && !language.includes(name)) got.push(name);
      }
    for (const make of [() => 1, async () => 1, function* () {}, async function* () {}])
      if (make.constructor) got.push("a maker of code");
    throw new Error("got " + got.join(" "));
  }`;
  expect((await failure(look)).text).toBe("Error: got ");
  // Out of the function it is written in: what it declares exists before anything is locked.
  const out = `return { reward: ${look} }; }));
    function Object() { return {}; } function Reflect() {} function Set() {}
    ((function () {`;
  expect((await failure(out)).text).toBe("Error: got ");
});

test("64 rows take a few milliseconds once the code is loaded", async () => {
  const jail = open("({ completion, reference }) => Number(completion.includes(reference.slice(5)))");
  const many = Array.from({ length: 64 }, (_, i) => row(`${"step ".repeat(40)}#### ${i}`));
  await jail.rate(many);
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await jail.rate(many);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.info(`64 rows: median ${times[10]?.toFixed(2)} ms, worst ${times.at(-1)?.toFixed(2)} ms`);
  expect(times[10]).toBeLessThan(100);
});

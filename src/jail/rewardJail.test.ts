/** @file The user's reward function in the jail: what it gives, where it fails, and that nothing but the language is there. */

import { afterEach, describe, expect, test } from "vitest";
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
const rows = ["4", "", "#### 4", "x".repeat(10_000)].map(row);

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

describe("what a function gives", () => {
  test.each<[string, string]>([
    ["a declaration", "function reward({ completion }) { return completion.length; }"],
    ["an arrow", "({ completion }) => completion.length"],
    ["an arrow with a semicolon and a comment", "// mine\n/* long */ ({ completion }) => completion.length; // end"],
    ["an arrow of one name", "row => row.tokens"],
    ["a function without a name", "function ({ completion }) { return completion.length }"],
    ["a constant, behind others", "const f = (t) => t.length;\nconst reward = ({ completion }) => f(completion);"],
    ["of a whole group", "function rewards(rows) { return rows.map(({ completion }) => completion.length); }"],
    ["of a whole group, as a constant", "const rewards = (rows) => rows.map((row) => row.tokens)"],
    ["reward before rewards", "const reward = (row) => row.tokens; const rewards = () => [];"],
  ])("%s", async (_, code) => {
    expect(await open(code).rate(rows)).toEqual([1, 0, 6, 10_000]);
  });

  test("sees the row and nothing that other rows changed in it", async () => {
    const code = `function reward(row) {
      const seen = Object.keys(row).sort().join() === "completion,finished,prompt,reference,tokens" && row.finished === true;
      row.tokens = 7; row.reference = "";
      return seen && row.prompt === "Two and two?" ? 1 : 0;
    }`;
    const jail = open(code);
    expect(await jail.rate(rows)).toEqual([1, 1, 1, 1]);
    expect(await jail.rate(rows)).toEqual([1, 1, 1, 1]);
    expect(rows[0]?.tokens).toBe(1);
  });

  test("null does not apply; no rows are no call", async () => {
    expect(await open("({ completion }) => (completion ? -0.5 : null)").rate(rows)).toEqual([-0.5, null, -0.5, -0.5]);
    expect(await open("syntax error").rate([])).toEqual([]);
  });

  test("a group is rated together, whatever order its rows are in", async () => {
    const jail = open(
      "let calls = 0; function rewards(rows) { calls++; return rows.map((r) => calls * 10 + r.tokens); }",
    );
    const four = ["a", "bb", "ccc", "dddd"].map(row);
    expect(
      await jail.rate(four, [
        [2, 0],
        [1, 3],
      ]),
    ).toEqual([11, 22, 13, 24]);
  });

  test("calls made at once are answered each with its own", async () => {
    const jail = open("(row) => row.tokens");
    const answers = await Promise.all(["a", "bb", "ccc"].map((text) => jail.rate([row(text)])));
    expect(answers).toEqual([[1], [2], [3]]);
  });
});

describe("where it fails", () => {
  test.each<[string, string, Partial<RewardFault> & { text: string | RegExp }]>([
    [
      "syntax",
      "function reward() {\n  return 1 +* 2;\n}",
      { line: 2, column: 13, row: null, text: /^SyntaxError: Unexpected token/ },
    ],
    ["syntax in the first line", "const 1 = 2;", { line: 1, column: 7, text: /SyntaxError/ }],
    ["a brace left open", "function reward() {\n  return 1;\n", { line: 2, column: 12, text: /left open/ }],
    ["a quote left open", 'const reward = () => "1;', { line: 1, column: 22, text: /SyntaxError/ }],
    ["a comment left open", "const reward = () => 1; /* ", { line: 1, text: /left open|SyntaxError/ }],
    ["a brace too many", "function reward() { return 1; } }", { line: 1, text: /closed twice|SyntaxError/ }],
    [
      "what it throws",
      'function reward({ completion }) {\n  if (!completion) throw new Error("empty");\n  return 1;\n}',
      { line: 2, column: 26, row: 1, text: "Error: empty" },
    ],
    ["what an arrow throws", "({ x }) => x.y.z", { line: 1, column: 14, row: 0, text: /^TypeError: Cannot read/ }],
    ["a text that is thrown", 'function reward() { throw "no"; }', { line: null, row: 0, text: "no" }],
    ["what is thrown while it loads", "const x = null;\nx.y;", { line: 2, column: 3, row: null, text: /^TypeError/ }],
    ["no function", "const x = 1;", { line: null, row: null, text: /no function called reward/ }],
    ["nothing returned", "function reward() {}", { row: 0, text: "it gave nothing: is there a return?" }],
    ["NaN", "() => 0 / 0", { row: 0, text: "it gave NaN: a reward is a finite number" }],
    ["Infinity", "({ tokens }) => 1 / tokens", { row: 1, text: "it gave Infinity: a reward is a finite number" }],
    ["a truth", "() => true", { row: 0, text: /^it gave true, not a number/ }],
    ["a text", "() => '1'", { row: 0, text: "it gave 1, not a number" }],
    ["an object", "() => ({})", { row: 0, text: "it gave an object, not a number" }],
    ["a promise", "async () => 1", { row: 0, text: /not async/ }],
    ["a promise of a group", "async function rewards() { return []; }", { row: 0, text: /not async/ }],
    ["no list", "function rewards() { return 1; }", { row: 0, text: /^rewards gave 1, not a list/ }],
    ["a short list", "function rewards() { return [1, 2]; }", { row: 0, text: "rewards gave a list of 2 for 4 rows" }],
    ["a list with a hole", "const rewards = () => [1, , 1, 1];", { row: 1, text: /^it gave nothing/ }],
    ["an error that cannot be read", "() => { throw { get message() { throw 1; } }; }", { row: 0, text: "?" }],
    [
      "no end to its calls",
      "function reward(row) {\n  return reward(row) + 1;\n}",
      { line: 2, row: 0, text: /^RangeError/ },
    ],
  ])("%s", async (_, code, { text, ...place }) => {
    const fault = await failure(code);
    expect(fault).toMatchObject({ code: "reward.failed", name: "mine", ...place });
    if (typeof text === "string") expect(fault.text).toBe(text);
    else expect(fault.text).toMatch(text);
  });

  test.each<[string, string, RegExp]>([
    ["fetch", "() => fetch('https://example.org/')", /^there is no network in a reward: fetch/],
    ["new XMLHttpRequest", "() => new XMLHttpRequest()", /no network in a reward: XMLHttpRequest/],
    ["a socket", "() => new WebSocket('wss://example.org')", /no network in a reward: WebSocket/],
    ["a script", "() => importScripts('https://example.org')", /no network in a reward: importScripts/],
    ["a timer", "() => setTimeout(() => 1, 1)", /no timers in a reward: setTimeout/],
    ["eval", "() => eval('1')", /makes no code of text: eval/],
    ["Function", "() => new Function('return 1')()", /makes no code of text: Function/],
    ["storage", "() => indexedDB.open('x')", /^indexedDB is not defined: a reward has the language alone/],
    ["messages", "() => postMessage(1)", /^postMessage is not defined/],
    ["Node", "() => process.exit(1)", /^process is not defined/],
    ["require", "() => require('fs').readdirSync('/').length", /^require is not defined/],
    ["raw memory", "() => new Uint8Array(2 ** 33).length", /^Uint8Array is not defined/],
    ["shared memory", "() => new SharedArrayBuffer(1)", /^SharedArrayBuffer is not defined/],
    ["a module", "() => import('fs')", /^import is not there/],
    ["a module in disguise", "() => import /* x */\n('fs')", /^import is not there/],
    ["a module behind a template", "() => `${import\n(`fs`)}`", /^import is not there/],
    ["the script's own address", "() => import.meta.url", /^import is not there/],
  ])("%s is not there", async (_, code, text) => {
    const fault = await failure(code);
    expect(fault).toMatchObject({ code: "reward.failed", line: 1 });
    expect(fault.text).toMatch(text);
  });

  test("a text that only speaks of import is no import", async () => {
    const code = '({ completion }) => Number(completion.includes("import os") || "importance" === "reimport")';
    expect(await open(code).rate(rows)).toEqual([0, 0, 0, 0]);
  });
});

describe("what takes too much is stopped, and the next call works", () => {
  test.each<[string, string, Partial<RewardFault> & { code: string }]>([
    ["a loop without end", "({ completion }) => { while (!completion); return 1; }", { code: "jail.slow", row: 1 }],
    ["a loop while it loads", "for (;;);", { code: "jail.slow", row: null }],
    [
      "an expression that backtracks",
      "() => Number(/(a+)+$/.test('a'.repeat(50) + 'b'))",
      { code: "jail.slow", row: 0 },
    ],
    [
      "a list without end",
      "() => { const all = []; for (;;) all.push([all.length, 'x'.repeat(9)]); }",
      { code: "jail.large", row: 0 },
    ],
    ["a text without end", "() => { let s = 'x'; for (;;) s = [s + s, s].join(''); }", { code: "jail.large", row: 0 }],
  ])("%s", async (_, code, expected) => {
    const { code: got, ...fault } = await failure(code, expected.code === "jail.slow" ? 300 : 20_000);
    expect([expected.code, "reward.failed"]).toContain(got); // a text too long to be one is a RangeError
    expect(fault).toMatchObject({ name: "mine", row: expected.row });
    expect(await open("() => 1").rate(rows)).toEqual([1, 1, 1, 1]);
  });

  test("the same jail answers again after a stop, and after what the code left running", async () => {
    const jail = open("({ completion }) => { while (completion === 'loop'); return 1; }", 300);
    await expect(jail.rate([row("loop")])).rejects.toMatchObject({ code: "jail.slow" });
    expect(await jail.rate(rows)).toEqual([1, 1, 1, 1]);
    const left = open(
      "({ completion }) => { const f = () => Promise.resolve().then(f); if (completion === 'loop') f(); return 1; }",
      300,
    );
    const first = await left.rate([row("loop")]).catch((error: unknown) => rewardFault(error));
    if (Array.isArray(first)) await expect(left.rate(rows)).rejects.toMatchObject({ code: "jail.slow" });
    expect(await left.rate(rows)).toEqual([1, 1, 1, 1]);
  });
});

describe("a way out leads nowhere", () => {
  /** Each tries what it can think of and gives 1 where it led anywhere. */
  test.each([
    "() => Number(typeof (() => 1).constructor === 'function')",
    "() => Number(typeof (async () => 1).constructor === 'function')",
    "() => Number(typeof (function* () {}).constructor === 'function')",
    "() => Number(typeof Object.getPrototypeOf(async function* () {}).constructor === 'function')",
    "() => Number((function () { return this; })() !== undefined)",
    "() => Number(['process', 'require', 'self', 'fetch', 'global', 'Buffer'].some((n) => globalThis[n] !== undefined))",
    "() => Number(Object.getOwnPropertyNames(globalThis).some((n) => /^(on|web|work|post|add)/.test(n) && globalThis[n]))",
    // What is on the stack, by V8's hook.
    `let got = 0;
     const hook = (_, sites) => { got += sites.filter((s) => s.getFunction() || s.getThis()).length; return ""; };
     try { Error.prepareStackTrace = hook; } catch {}
     try { Object.defineProperty(Error, "prepareStackTrace", { value: hook }); } catch {}
     const reward = () => { void new Error().stack; return got; };`,
    // The answer's own way, by a prototype that is tampered with.
    `let got = 0;
     for (const name of ["call", "apply", "bind"]) Object.getPrototypeOf(() => 1)[name] = () => { got = 1; };
     const reward = () => got;`,
    // Out of the function it is written in, with names that the locking could have used.
    `return {}; });
     function Object() { return {}; } function Reflect() {} function Set() {}
     (function () { const reward = () => Number(typeof fetch === "function" || typeof process === "object");`,
  ])("%s", async (code) => {
    expect(await open(code).rate(rows)).toEqual([0, 0, 0, 0]);
  });
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
  expect(times[10]).toBeLessThan(50);
});

/** @file The jail: foreign code gets the language and nothing else, a deadline and a cap, and the next call works. */

import { createContext, runInContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { StudioError } from "../core/errors";
import { runJailed } from "./jail";
import { type JailAnswer, type JailCall, serveJail } from "./jailProgram";
import { lockDown } from "./lockDown";

const render = (template: string, variables: Record<string, unknown> = {}, deadline = 500, cap = 2 ** 20) =>
  runJailed({ task: "renderTemplate", input: { template, variables }, code: "template.invalid", deadline, cap });

const errorOf = async (promise: Promise<string>): Promise<StudioError> => {
  const text = await promise.catch((error: unknown) => error);
  if (text instanceof StudioError) return text;
  throw new Error(`No typed error but ${String(text)}`);
};

afterEach(async () => {
  expect(await render("{{ 1 + 1 }}")).toBe("2");
});

describe("what takes too much is stopped within a second", () => {
  const loop = "{% for i in range(100000) %}";
  const end = "{% endfor %}";
  const doubled = `{% set ns = namespace(s='0123456789') %}{% for i in range(25) %}{% set ns.s = ns.s + ns.s %}${end}`;
  test.each<[string, string, string]>([
    ["a loop without end", `${loop}${loop}${loop}${end}${end}${end}`, "jail.slow"],
    ["a loop that only counts", `${loop}${loop}{% set x = i %}${end}${end}`, "jail.slow"],
    ["10 MB", `{% for i in range(1000) %}${"x".repeat(10_000)}${end}`, "jail.large"],
    ["a text doubled 25 times", `${doubled}{{ ns.s }}`, "jail.large"],
    ["a long range", "{% for i in range(999999999) %}x{% endfor %}", "template.invalid"],
    ["a range without end", "{{ range(1e308 * 10) | length }}", "template.invalid"],
    [
      "a macro that calls itself",
      "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(1) }}",
      "template.invalid jail.slow",
    ],
    ["brackets 20,000 deep", `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`, "template.invalid"],
    ["10,000 lists in lists", `{{ ${"[".repeat(10_000)}${"]".repeat(10_000)} }}`, "template.invalid"],
  ])("%s", async (_, template, code) => {
    await render("");
    const start = performance.now();
    const error = await errorOf(render(template));
    expect(performance.now() - start).toBeLessThan(1000);
    expect(code.split(" ")).toContain(error.code);
    expect(error.detail).not.toBeNull();
  });

  test("lists that eat the memory", async () => {
    await render("");
    const eat = `{% set ns = namespace(a=[1,2,3,4]) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}`;
    expect(["jail.slow", "jail.large", "template.invalid"]).toContain((await errorOf(render(eat, {}, 5000))).code);
  });

  test("a cap counts bytes, not letters", async () => {
    expect(await render("{{ x }}", { x: "é".repeat(50) }, 500, 100)).toBe("é".repeat(50));
    expect((await errorOf(render("{{ x }}", { x: "é".repeat(51) }, 500, 100))).code).toBe("jail.large");
  });
});

test("calls made at once are answered each with its own, a killed one among them", async () => {
  const slow = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
  const answers = await Promise.allSettled(
    ["a", "b", "c", slow, "d", "e", "f"].map((template) => render(template, {}, template === slow ? 100 : 500)),
  );
  expect(answers.map((answer) => (answer.status === "fulfilled" ? answer.value : null))).toEqual([
    "a",
    "b",
    "c",
    null,
    "d",
    "e",
    "f",
  ]);
});

test("an answer that came while this thread was busy still counts", async () => {
  await render("");
  const answer = render("{{ 3 }}", {}, 50);
  await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const until = performance.now() + 200;
  while (performance.now() < until);
  expect(await answer).toBe("3");
});

test.each([
  ["{{ raise_exception('no system') }}", "no system"],
  ["{% if %}", ""],
  ["{{ 'a' | nope }}", "nope"],
  [`{{ raise_exception('${"x".repeat(5000)}') }}`, "x".repeat(500)],
])("%s fails with its own message", async (template, words) => {
  const error = await errorOf(render(template));
  expect(error.code).toBe("template.invalid");
  expect(error.message).toContain(words);
  expect(error.message.length).toBeLessThanOrEqual(500);
});

test("code that got out of a template would find the language and nothing else", () => {
  const names = "fetch XMLHttpRequest WebSocket indexedDB caches importScripts postMessage Worker navigator location";
  const context = createContext(
    Object.fromEntries(`${names} process require self`.split(" ").map((name) => [name, {}])),
  );
  // Foreign code stands where the interpreter does: it tries all it can think of and says what it got.
  const foreign = `({
    parse: () => null, tokenize: () => null, Environment: class { set() {} setVariable() { return {}; } lookupVariable() {} },
    Interpreter: class { run() {
      const got = Object.getOwnPropertyNames(globalThis).filter((name) => globalThis[name] !== undefined);
      for (const make of [() => (() => {}).constructor, () => (async () => {}).constructor,
        () => (function* () {}).constructor, () => (async function* () {}).constructor])
        if (make()) got.push("constructor");
      for (const name of ["eval", "Function", "fetch", "process", "WebAssembly", "SharedArrayBuffer", "setTimeout"])
        if (typeof globalThis[name] !== "undefined") got.push("!" + name);
      return { value: JSON.stringify(got) };
    } },
  })`;
  const answers: (JailAnswer | "ready")[] = [];
  let call: (call: JailCall) => void = () => undefined;
  const serve = runInContext(`(TextEncoder) => (${serveJail.toString()})`, context) as (e: unknown) => typeof serveJail;
  serve(TextEncoder)({
    lockDown: runInContext(`(${lockDown.toString()})`, context) as never,
    jinja: runInContext(foreign, context) as never,
    post: (answer) => answers.push(answer),
    listen: (onCall) => (call = onCall),
  });
  call({ id: 1, task: "renderTemplate", input: { template: "", variables: {} }, cap: 10_000 });
  const got = JSON.parse((answers[1] as JailAnswer).text) as string[];
  expect(answers[0]).toBe("ready");
  expect(got).toContain("Map");
  expect(
    got.filter((name) => names.includes(name) || /^!|^(constructor|process|require|self|eval)$/.test(name)),
  ).toEqual([]);
});

/** Ways out of sandboxes of this and other engines: JavaScript's constructors and globals, Python's classes and modules. */
const escapes = [
  "''.constructor.constructor('return 1')()",
  "''['constructor']['constructor']('return globalThis')()",
  "[].constructor.constructor('return process')()",
  "({}).constructor.constructor('return this')()",
  "range.constructor('return 1')()",
  "range.constructor.constructor('return process.env')()",
  "range['__proto__']['constructor']('return 1')()",
  "raise_exception.constructor('return 1')()",
  "strftime_now.constructor('return fetch')()",
  "strftime_now.call.constructor('return 1')()",
  "namespace.constructor('return 1')()",
  "namespace().__proto__.constructor('return 1')()",
  "messages.__proto__.polluted",
  "messages['__proto__']['map'].constructor('return 1')()",
  "messages[0].__proto__.constructor('return 1')()",
  "messages[0].content.__proto__.constructor('return 1')()",
  "messages.map.constructor('return 1')()",
  "messages[0].content.split.constructor('return 1')()",
  "''.sub.constructor('return 1')()",
  "''.split('').constructor.constructor('return 1')()",
  "globalThis.process.exit(1)",
  "self.postMessage('x')",
  "self.constructor('return 1')()",
  "process.mainModule.require('child_process').execSync('id')",
  "require('fs').readFileSync('/etc/passwd')",
  "import('fs')",
  "Function('return 1')()",
  "eval('1')",
  "fetch('http://127.0.0.1/')",
  "''.__class__.__mro__[1].__subclasses__()",
  "cycler.__init__.__globals__.os.popen('id').read()",
  "self.__init__.__globals__.__builtins__.__import__('os')",
  "lipsum.__globals__['os'].popen('id').read()",
  "request.application.__globals__",
  "''|attr('__class__')",
  "messages|map(attribute='constructor')|list",
  "messages|map('constructor')|list",
  "messages|selectattr('constructor')|list",
  "loop.constructor('return 1')()",
  "caller.constructor('return 1')()",
];

test.each(escapes)("%s leads nowhere", async (expression) => {
  const messages = [{ role: "user", content: "hello" }];
  const outcome = await render(`{{ ${expression} }}`, { messages }).then(
    (text) => text,
    (error: unknown) => error as StudioError,
  );
  if (typeof outcome !== "string") {
    expect(outcome).toBeInstanceOf(StudioError);
    expect(outcome.code).toBe("template.invalid");
    return;
  }
  // Names that are not there are empty, as in Jinja.
  expect(outcome).toMatch(/^(|\[\]|\[.*\]|None|undefined)$/);
  expect(outcome).not.toMatch(/function|native|process|root/);
});

test("what a template says reaches nobody's prototype", async () => {
  await render("{% set __proto__ = 1 %}{% set ns = namespace(__proto__=1) %}{% set ns.__proto__ = 2 %}").catch(
    () => "",
  );
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(await render("{{ x }}", { x: "\u2028</script>\u0000" })).toBe("\u2028</script>\u0000");
});

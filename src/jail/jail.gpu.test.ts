/** @file The jail in a real browser: its worker starts, is stopped and replaced, and nothing of the browser is left in it. */

import { expect, test } from "vitest";
import { runJailed } from "./jail";
import { serveJail } from "./jailProgram";
import { lockDown } from "./lockDown";

const render = (template: string) =>
  runJailed({
    task: "renderTemplate",
    input: { template, variables: {} },
    code: "template.invalid",
    deadline: 500,
    cap: 2 ** 20,
  });

test("a template without end is stopped, and the next is rendered", async () => {
  expect(await render("{{ 1 + 1 }}")).toBe("2");
  const loop = "{% for i in range(100000) %}";
  await expect(render(`${loop}${loop}{% endfor %}{% endfor %}`)).rejects.toMatchObject({ code: "jail.slow" });
  expect(await render("{{ 1 + 1 }}")).toBe("2");
  const long = `{% for i in range(1000) %}${"x".repeat(10_000)}{% endfor %}`;
  await expect(render(long)).rejects.toMatchObject({ code: "jail.large" });
  await expect(render("{{ raise_exception('mine') }}")).rejects.toMatchObject({
    code: "template.invalid",
    message: "mine",
  });
});

test("what got out of a template would find no network, storage, timer or way to make code", async () => {
  const foreign = `({
    parse: () => null, tokenize: () => null,
    Environment: class { set() {} setVariable() { return {}; } lookupVariable() {} },
    Interpreter: class { run() {
      const got = [];
      for (let at = globalThis; at && at !== Object.prototype; at = Object.getPrototypeOf(at))
        for (const name of Object.getOwnPropertyNames(at)) {
          let value;
          try { value = globalThis[name]; } catch { continue; }
          if (value !== undefined) got.push(name);
        }
      for (const make of [() => (() => {}).constructor, () => (async () => {}).constructor,
        () => (function* () {}).constructor, () => (async function* () {}).constructor])
        if (make()) got.push("a maker of code");
      return { value: got.join(" ") };
    } },
  })`;
  const source = `const post = self.postMessage.bind(self), listen = self.addEventListener.bind(self);
    (${serveJail.toString()})({
      lockDown: ${lockDown.toString()}, jinja: ${foreign}, post, listen: (onCall) => listen("message", ({ data }) => onCall(data)),
    });`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url);
  const text = await new Promise<string>((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }: MessageEvent<"ready" | { text: string }>) => {
      if (data === "ready") {
        const input = { template: "", variables: {} };
        worker.postMessage({ id: 1, task: "renderTemplate", input, cap: 100_000 });
      } else resolve(data.text);
    };
  });
  worker.terminate();
  const got = text.split(" ");
  expect(got).toContain("Map");
  const language = new Set(Object.getOwnPropertyNames(globalThis).filter((name) => /^[A-Z]/.test(name)));
  // Whatever begins with a small letter is the host's, but for the language's few functions and two fixed numbers.
  const functions =
    /^(globalThis|isNaN|isFinite|parseInt|parseFloat|(en|de)codeURI(Component)?|constructor|NaN|Infinity|TEMPORARY|PERSISTENT)$/;
  expect(got.filter((name) => !language.has(name) && !functions.test(name))).toEqual([]);
  const hosts =
    "Worker WebSocket XMLHttpRequest EventSource BroadcastChannel WebTransport Request Response Cache IDBFactory";
  expect(got.filter((name) => hosts.split(" ").includes(name))).toEqual([]);
});

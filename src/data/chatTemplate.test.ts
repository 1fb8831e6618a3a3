/** @file Chat templates: the texts are transformers' (interop/templateGoldens.py), whatever a template does ends typed and soon. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { StudioError } from "../core/errors";
import { newRandom } from "../core/random";
import { type ChatMessage, findChatTemplate, renderChat } from "./chatTemplate";
import goldens from "./golden/chatTemplates.json";

const shared = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "tokenizers");
const isThere = existsSync(shared);

function readTemplate(name: string): string | null {
  if (name.endsWith(".jinja")) return readFileSync(path.join(shared, "templates", name), "utf8");
  const config: unknown = JSON.parse(readFileSync(path.join(shared, name, "tokenizer_config.json"), "utf8"));
  return findChatTemplate(config)?.template ?? null;
}

const today = () =>
  new Date().toLocaleDateString("en-GB", { day: "2-digit", month: "short", year: "numeric" }).replace("Sept", "Sep");

describe("texts are those of transformers", () => {
  for (const { name, template, bos, eos, rendered } of goldens.templates) {
    test.skipIf(template === null && !isThere && !process.env["CI"])(name, async () => {
      const source = template ?? readTemplate(name) ?? "";
      for (const [key, want] of Object.entries(rendered)) {
        const messages = goldens.chats[key.replace(/ \+$/, "") as keyof typeof goldens.chats] as ChatMessage[];
        const options = { bos, eos, addGenerationPrompt: key.endsWith(" +") };
        const got = await renderChat(source, messages, options).catch((error: unknown) => {
          expect(error).toBeInstanceOf(StudioError);
          return { code: (error as StudioError).code, error: (error as StudioError).message };
        });
        if (typeof want === "string") expect([key, got]).toEqual([key, want.replaceAll("DATE", today())]);
        else expect([key, got]).toEqual([key, expect.objectContaining({ code: "template.invalid" })]);
      }
    });
  }
});

describe("the template of a tokenizer_config.json", () => {
  test.each<[string, unknown, unknown]>([
    ["a text", { chat_template: "x", bos_token: "<s>", eos_token: { content: "</s>" } }, ["x", "<s>", "</s>"]],
    [
      "named",
      {
        chat_template: [
          { name: "rag", template: "r" },
          { name: "default", template: "d" },
        ],
      },
      ["d", null, null],
    ],
    ["none", { bos_token: "<s>" }, null],
    ["empty", { chat_template: "" }, null],
    ["of another kind", { chat_template: { default: "x" } }, null],
    ["a list of nothing", { chat_template: [null, 1, { name: "default" }] }, null],
    ["no object", "x", null],
    ["null", null, null],
  ])("%s", (_, config, want) => {
    const found = findChatTemplate(config);
    expect(found && [found.template, found.bos, found.eos]).toEqual(want);
  });
});

/** Pieces that fit together often enough to do something, and badly enough to break something. */
const pieces = [
  ..."{{ }} {% %} {%- -%} {{- -}} {# #}".split(" "),
  "{% for m in messages %}",
  "{% for i in range(n) %}",
  "{% for k, v in messages[0].items() %}",
  "{% endfor %}",
  "{% if m %}",
  "{% if messages[0]['role'] == 'user' %}",
  "{% elif x is defined %}",
  "{% else %}",
  "{% endif %}",
  "{% set x = x + x %}",
  "{% set ns = namespace(a=1, b='y') %}",
  "{% set ns.b = ns.b + ns.b %}",
  "{% macro f(a, b=1) %}",
  "{% endmacro %}",
  "{{ f(f(1)) }}",
  "{{ messages | map(attribute='content') | join(', ') }}",
  "{{ messages[-1]['content'].strip('a')[1:] | tojson(indent=4) }}",
  "{{ (1, 2)[3] }}",
  "{{ 1 / 0 }}",
  "{{ 'a' * 99999999 }}",
  "{{ [1, [2, {'a': 3}]] | tojson }}",
  "{{ ''.constructor.constructor('return 1')() }}",
  "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}",
  "{{ raise_exception('x') }}",
  "{{ strftime_now('%Y %q') }}",
  "{% generation %}",
  "{% endgeneration %}",
  "{% break %}",
  "{% raw %}",
  "{% include 'x' %}",
  "'\"\\\n",
  "(((([[[[{{{{",
  "|~**//==<=>=!=",
  "<|im_start|>",
  "\u0000\ud800🎉",
  " not in is and or if else ",
];

const runs = Number(process.env["ANNEAL_FUZZ"] ?? 2000);
test(`${runs} fuzzed templates give text or a typed error in time`, { timeout: 600_000 }, async () => {
  const random = newRandom(77);
  const messages = [{ role: "user", content: "aha" }];
  const outcomes = new Map<string, number>();
  let slowest = 0;
  for (let i = 0; i < runs; i++) {
    const length = 1 + random.below(14);
    const template = Array.from({ length }, () => pieces[random.below(pieces.length)] ?? "").join("");
    const start = performance.now();
    const outcome = await renderChat(template.replace("range(n)", `range(${10 ** random.below(10)})`), messages).then(
      (text) => (typeof text === "string" ? "text" : "no text"),
      (error: unknown) => (error instanceof StudioError ? error.code : String(error)),
    );
    slowest = Math.max(slowest, performance.now() - start);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  const known = new Set(["text", "template.invalid", "jail.slow", "jail.large"]);
  expect([...outcomes.keys()].filter((outcome) => !known.has(outcome))).toEqual([]);
  expect(outcomes.get("text")).toBeGreaterThan(runs / 50);
  expect(outcomes.get("template.invalid")).toBeGreaterThan(runs / 4);
  // A killed worker's successor must start, which takes longer where other work has the cores.
  expect(slowest).toBeLessThan(3000);
});

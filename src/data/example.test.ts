/** @file Rows of the six plain formats become examples, and what cannot is told why. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Mapping, Row } from "../core/dataset";
import { gsm8kTemplate } from "../core/recipe";
import { toExample } from "./example";
import { applyTemplate } from "./template";

const gsm8k: Mapping = { format: "gsm8k", prompt: ["question"], completion: "answer", turns: "" };
const alpaca: Mapping = { format: "alpaca", prompt: ["instruction", "input"], completion: "output", turns: "" };
const pair: Mapping = { format: "prompt-completion", prompt: ["prompt"], completion: "completion", turns: "" };
const text: Mapping = { format: "text", prompt: [], completion: "text", turns: "" };
const sharegpt: Mapping = { format: "sharegpt", prompt: [], completion: "", turns: "conversations" };
const messages: Mapping = { format: "messages", prompt: [], completion: "", turns: "messages" };

const say = (from: string, value: unknown) => ({ from, value });
const write = (role: string, content: unknown) => ({ role, content });

test.each<[string, Row, Mapping, string, string]>([
  ["gsm8k", { question: "q", answer: "a" }, gsm8k, "q", "a"],
  ["a number as an answer", { question: "q", answer: 72 }, gsm8k, "q", "72"],
  ["alpaca", { instruction: "i", input: "x", output: "o" }, alpaca, "i\n\nx", "o"],
  ["alpaca without input", { instruction: "i", input: "", output: "o" }, alpaca, "i", "o"],
  ["alpaca with null input", { instruction: "i", input: null, output: "o" }, alpaca, "i", "o"],
  [
    "alpaca with system and history",
    { system: "s", history: [["q1", "a1"]], instruction: "i", input: "x", output: "o" },
    alpaca,
    "s\n\nUser: q1\n\nAssistant: a1\n\nUser: i\n\nx",
    "o",
  ],
  ["alpaca with an empty history", { history: [], instruction: "i", output: "o" }, alpaca, "i", "o"],
  ["a pair", { prompt: " p ", completion: "\nc" }, pair, " p ", "\nc"],
  ["a pair of messages (TRL, conversational)", { prompt: [write("user", "p")], completion: 7 }, pair, "p", "7"],
  ["a pair whose answer is messages", { prompt: "p", completion: [write("assistant", "c")] }, pair, "p", "c"],
  [
    "a pair whose answer is JSON",
    { prompt: "p", completion: '[{"role":"user","content":"x"}]' },
    pair,
    "p",
    '[{"role":"user","content":"x"}]',
  ],
  ["text", { text: "all" }, text, "", "all"],
  ["one question", { conversations: [say("human", "q"), say("gpt", "a")] }, sharegpt, "q", "a"],
  [
    "a talk, split at the assistant's last turn",
    {
      conversations: [
        say("system", "s"),
        say("human", "q1"),
        say("gpt", "a1"),
        say("human", "q2"),
        say("gpt", "a2"),
        say("human", "bye"),
      ],
    },
    sharegpt,
    "s\n\nUser: q1\n\nAssistant: a1\n\nUser: q2",
    "a2",
  ],
  [
    "tool calls",
    { conversations: [say("human", "q"), say("function_call", "{}"), say("observation", "r"), say("gpt", "a")] },
    sharegpt,
    "User: q\n\nTool call: {}\n\nTool: r",
    "a",
  ],
  [
    "messages",
    { messages: [write("system", "s"), write("user", "q"), write("assistant", "a")] },
    messages,
    "s\n\nq",
    "a",
  ],
  [
    "messages in parts",
    {
      messages: [
        write("user", [{ type: "text", text: "a" }, { type: "text", value: "b" }, "c"]),
        write("assistant", "d"),
      ],
    },
    messages,
    "abc",
    "d",
  ],
  [
    "turns as JSON in a table",
    { messages: JSON.stringify([write("user", "q"), write("assistant", "a")]) },
    messages,
    "q",
    "a",
  ],
])("%s", (_, row, mapping, prompt, completion) => {
  expect(toExample(row, mapping)).toEqual({ prompt, completion });
});

test.each<[string, Row, Mapping, RegExp]>([
  ["no answer", { question: "q" }, gsm8k, /column "answer" is missing/],
  ["an empty answer", { question: "q", answer: " \n" }, gsm8k, /column "answer" is empty/],
  ["an empty question", { question: "", answer: "a" }, gsm8k, /Nothing stands in "question"/],
  ["an inherited column", { question: "q" }, { ...gsm8k, completion: "toString" }, /"toString" is missing/],
  ["a list for text", { question: ["q"], answer: "a" }, gsm8k, /column "question" is not text/],
  ["no column mapped", { question: "q", answer: "a" }, { ...gsm8k, prompt: [] }, /No column is mapped/],
  ["a history that is no list", { history: "x", instruction: "i", output: "o" }, alpaca, /"history" is not a list/],
  ["a history of no pairs", { history: [["a"]], instruction: "i", output: "o" }, alpaca, /history\[0\]/],
  ["no turns", {}, sharegpt, /"conversations" is missing/],
  ["turns that are no list", { conversations: {} }, sharegpt, /not a list of turns/],
  ["turns that are broken JSON", { conversations: "[{" }, sharegpt, /not a list of turns/],
  ["an unknown speaker", { conversations: [say("martian", "x")] }, sharegpt, /Turn 1: "martian"/],
  ["an inherited speaker", { conversations: [say("constructor", "x")] }, sharegpt, /Turn 1: "constructor"/],
  ["a turn that is no record", { conversations: [null] }, sharegpt, /Turn 1 is not a record/],
  ["no answer at all", { conversations: [say("human", "q")] }, sharegpt, /No turn is the assistant's/],
  ["an answer first", { conversations: [say("gpt", "a")] }, sharegpt, /Nothing comes before/],
  ["an empty last answer", { conversations: [say("human", "q"), say("gpt", "")] }, sharegpt, /last, is empty/],
  [
    "an image",
    { messages: [write("user", [{ type: "image", url: "x" }]), write("assistant", "a")] },
    messages,
    /not text/,
  ],
  ["null content", { messages: [write("user", "q"), write("assistant", null)] }, messages, /Turn 2 has no text/],
])("%s is refused", (_, row, mapping, reason) => {
  expect(() => toExample(row, mapping)).toThrow(
    expect.objectContaining({ code: "dataset.row", message: expect.stringMatching(reason) as string }) as Error,
  );
});

test("a template fills in text as it is, and each half only its own", () => {
  const example = { prompt: "$& {completion} $1", completion: "{prompt} $$" };
  expect(applyTemplate(example, gsm8kTemplate)).toEqual({
    prompt: "Question: $& {completion} $1\nAnswer:",
    completion: " {prompt} $$",
  });
  expect(applyTemplate(example, { prompt: "{prompt}|{prompt}", completion: "{completion}" }).prompt).toBe(
    `${example.prompt}|${example.prompt}`,
  );
});

const shared = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "data");
describe.skipIf(!existsSync(shared) && !process.env["CI"])("real files", () => {
  test.each<[string, Mapping]>([
    ["formats/alpaca_en_demo.json", alpaca],
    ["formats/alpaca_zh_demo.json", alpaca],
    ["formats/fastchat_dummy_conversation.json", sharegpt],
    ["formats/glaive_toolcall_en_demo.json", sharegpt],
    ["gsm8k/train.jsonl", gsm8k],
  ])("%s: every row is usable, or has a reason", (file, mapping) => {
    const content = readFileSync(path.join(shared, file), "utf8");
    const rows = file.endsWith(".json")
      ? (JSON.parse(content) as Row[])
      : content
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Row);
    const refused: string[] = [];
    for (const row of rows) {
      try {
        const { prompt, completion } = toExample(row, mapping);
        expect(prompt.length * completion.length).toBeGreaterThan(0);
      } catch (error) {
        refused.push((error as Error).message);
      }
    }
    expect(refused.filter((reason) => !/empty|Nothing comes before/.test(reason))).toEqual([]);
    expect(refused.length).toBeLessThan(rows.length / 50);
  });
});

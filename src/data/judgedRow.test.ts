/** @file Preference and unpaired rows of every form become examples, as TRL takes them apart, and what cannot is told why. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Mapping, Row } from "../core/dataset";
import { toExample } from "./example";
import golden from "./golden/preferences.json" with { type: "json" };
import { detectMapping } from "./import/detectMapping";
import { sharedPrompt } from "./sharedPrompt";

const pairs: Mapping = {
  format: "preference",
  prompt: ["prompt"],
  completion: "chosen",
  rejected: "rejected",
  turns: "",
};
const implicit: Mapping = { ...pairs, prompt: [] };
const kto: Mapping = { format: "unpaired", prompt: ["prompt"], completion: "completion", turns: "", label: "label" };
const talk: Mapping = { ...kto, prompt: [], completion: "", turns: "messages" };
const ranked: Mapping = { ...pairs, prompt: ["instruction", "input"], completion: "output", rejected: "output" };

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const human = (value: string) => ({ from: "human", value });
const gpt = (value: string) => ({ from: "gpt", value });

type Wanted = { prompt: string; completion: string; rejected?: string; label?: boolean; dimension?: string };
const abc = { prompt: "p", completion: "a", rejected: "b" };

test.each<[string, Row, Mapping, Wanted]>([
  ["TRL, explicit", { prompt: "p", chosen: "a", rejected: "b" }, pairs, abc],
  ["numbers", { prompt: "p", chosen: 1, rejected: 2 }, pairs, { prompt: "p", completion: "1", rejected: "2" }],
  [
    "TRL, explicit and conversational",
    { prompt: [user("p")], chosen: [assistant("a")], rejected: [assistant("b")] },
    pairs,
    abc,
  ],
  ["one message without its list", { prompt: "p", chosen: assistant("a"), rejected: assistant("b") }, pairs, abc],
  [
    "UltraFeedback: the prompt again in both talks",
    { prompt: "p", chosen: [user("p"), assistant("a")], rejected: [user("p"), assistant("b")] },
    pairs,
    abc,
  ],
  [
    "a prompt, and turns that the talks share beyond it",
    {
      prompt: "p",
      chosen: [assistant("x"), user("y"), assistant("a")],
      rejected: [assistant("x"), user("y"), assistant("b")],
    },
    pairs,
    { ...abc, prompt: "User: p\n\nAssistant: x\n\nUser: y" },
  ],
  [
    "conversational rows in a table",
    { chosen: JSON.stringify([user("p"), assistant("a")]), rejected: JSON.stringify([user("p"), assistant("b")]) },
    implicit,
    abc,
  ],
  [
    "an answer that is JSON, but no talk",
    { prompt: "p", chosen: '[{"role":"admin"}]', rejected: '{"role":"x","content":"y"}' },
    pairs,
    { prompt: "p", completion: '[{"role":"admin"}]', rejected: '{"role":"x","content":"y"}' },
  ],
  [
    "alpaca ranking",
    { instruction: "i", input: "x", chosen: "a", rejected: "b" },
    { ...pairs, prompt: ["instruction", "input"] },
    { ...abc, prompt: "i\n\nx" },
  ],
  [
    "alpaca ranking with system and history",
    { system: "s", history: [["q", "r"]], instruction: "i", chosen: "a", rejected: "b" },
    { ...pairs, prompt: ["system", "history", "instruction"] },
    { ...abc, prompt: "s\n\nUser: q\n\nAssistant: r\n\nUser: i" },
  ],
  [
    "alpaca ranking, the older form",
    { instruction: "i", input: "", output: ["a", "b"] },
    ranked,
    { ...abc, prompt: "i" },
  ],
  ["its list as JSON in a table", { instruction: "i", output: '["a","b"]' }, ranked, { ...abc, prompt: "i" }],
  [
    "sharegpt ranking",
    { conversations: [human("q"), gpt("r"), human("p")], chosen: gpt("a"), rejected: gpt("b") },
    { ...pairs, prompt: ["conversations"] },
    { ...abc, prompt: "User: q\n\nAssistant: r\n\nUser: p" },
  ],
  [
    "a dimension",
    { prompt: "p", chosen: "a", rejected: "b", about: " brevity " },
    { ...pairs, dimension: "about" },
    { ...abc, dimension: "brevity" },
  ],
  ["no dimension said", { prompt: "p", chosen: "a", rejected: "b" }, { ...pairs, dimension: "about" }, abc],
  ["TRL, unpaired", { prompt: "p", completion: "c", label: true }, kto, { prompt: "p", completion: "c", label: true }],
  [
    "TRL, unpaired and conversational",
    { prompt: [user("p")], completion: [assistant("c")], label: false },
    kto,
    { prompt: "p", completion: "c", label: false },
  ],
  [
    "LLaMA-Factory's KTO",
    { messages: [user("p"), assistant("c")], label: 0 },
    talk,
    { prompt: "p", completion: "c", label: false },
  ],
  [
    "sharegpt's KTO",
    { conversations: [human("p"), gpt("c")], kto_tag: "True" },
    { ...talk, turns: "conversations", label: "kto_tag" },
    { prompt: "p", completion: "c", label: true },
  ],
])("%s", (_, row, mapping, wanted) => {
  expect(toExample(row, mapping)).toEqual(wanted);
});

test.each<[unknown, boolean]>([
  [true, true],
  [1, true],
  ["1", true],
  [" TRUE ", true],
  [false, false],
  [0, false],
  ["0", false],
  ["false", false],
])("the label %j is %j", (label, wanted) => {
  expect(toExample({ prompt: "p", completion: "c", label }, kto).label).toBe(wanted);
});

test.each<[string, Row, Mapping, RegExp]>([
  ["no chosen answer", { prompt: "p", rejected: "b" }, pairs, /"chosen" is missing/],
  ["an empty chosen answer", { prompt: "p", chosen: " ", rejected: "b" }, pairs, /"chosen" is empty/],
  ["a null rejected answer", { prompt: "p", chosen: "a", rejected: null }, pairs, /"rejected" is empty/],
  ["equal answers", { prompt: "p", chosen: "a", rejected: "a\n" }, pairs, /are the same/],
  ["equal talks", { chosen: [user("p"), assistant("a")], rejected: [user("p"), assistant("a")] }, implicit, /the same/],
  ["equal implicit texts", { chosen: "p a", rejected: "p a" }, implicit, /are the same/],
  ["empty lists", { prompt: "p", chosen: [], rejected: [] }, pairs, /"chosen" is empty/],
  ["an empty list of answers", { instruction: "i", output: [] }, ranked, /list of two answers/],
  ["three answers", { instruction: "i", output: ["a", "b", "c"] }, ranked, /list of two answers/],
  ["an empty better answer", { instruction: "i", output: ["", "b"] }, ranked, /"output" is empty/],
  ["a list of what is no turn", { prompt: "p", chosen: [1, 2], rejected: [3] }, pairs, /"chosen" is not text/],
  ["a turn among texts", { prompt: "p", chosen: [assistant("a"), "b"], rejected: "b" }, pairs, /"chosen", turn 2/],
  ["a record for an answer", { prompt: "p", chosen: { a: 1 }, rejected: "b" }, pairs, /"chosen" is not text/],
  ["a text beside a talk", { prompt: "p", chosen: "a", rejected: [assistant("b")] }, pairs, /one is a text/],
  ["a talk that ends with a question", { prompt: "p", chosen: [user("a")], rejected: [user("b")] }, pairs, /assistant/],
  [
    "talks that part early",
    { chosen: [user("p"), assistant("a"), user("q"), assistant("c")], rejected: [user("p"), assistant("b")] },
    implicit,
    /"chosen" goes on for 3 turns/,
  ],
  [
    "a talk with an empty answer",
    { prompt: "p", chosen: [assistant("")], rejected: [assistant("b")] },
    pairs,
    /"chosen" is empty/,
  ],
  ["no prompt", { prompt: "", chosen: "a", rejected: "b" }, pairs, /Nothing stands in "prompt"/],
  ["an empty talk for a prompt", { prompt: [], chosen: "a", rejected: "b" }, pairs, /Nothing stands in "prompt"/],
  ["talks that are answers alone", { chosen: [assistant("a")], rejected: [assistant("b")] }, implicit, /Nothing comes/],
  ["texts that share nothing", { chosen: "yes", rejected: "no" }, implicit, /share no beginning/],
  ["no rejected column", { prompt: "p", chosen: "a" }, { ...pairs, rejected: "" }, /No column is mapped/],
  ["an inherited column", { prompt: "p", chosen: "a" }, { ...pairs, rejected: "toString" }, /"toString" is missing/],
  ["a label that is neither", { prompt: "p", completion: "c", label: "maybe" }, kto, /neither true nor false: "maybe"/],
  ["a label of 2", { prompt: "p", completion: "c", label: 2 }, kto, /neither true nor false: 2/],
  [
    "a label that is a list",
    { prompt: "p", completion: "c", label: [true] },
    kto,
    /"label" is a list, "completion" is not/,
  ],
  ["no label", { prompt: "p", completion: "c" }, kto, /"label" is missing/],
  ["an empty label", { prompt: "p", completion: "c", label: null }, kto, /"label" is empty/],
  ["no label mapped", { prompt: "p", completion: "c", label: true }, { ...kto, label: "" }, /No column is mapped/],
  ["no answer to judge", { prompt: "p", completion: "", label: true }, kto, /"completion" is empty/],
  ["a talk of nothing", { messages: [], label: true }, talk, /not a list of turns/],
  ["a talk without answer", { messages: [user("p")], label: true }, talk, /No turn is the assistant's/],
])("%s is refused", (_, row, mapping, reason) => {
  expect(() => toExample(row, mapping)).toThrow(
    expect.objectContaining({ code: "dataset.row", message: expect.stringMatching(reason) as string }) as Error,
  );
});

test.each(Object.entries(golden))("an implicit row is taken apart as TRL does: %s", (name, { row, explicit }) => {
  const found = toExample(row, implicit);
  if (typeof explicit.prompt === "string") {
    expect(found).toEqual({ prompt: explicit.prompt, completion: explicit.chosen, rejected: explicit.rejected });
  } else {
    expect(found, name).toEqual(toExample(explicit, pairs));
  }
});

test("a shared prompt ends where a word does, and leaves both answers something", () => {
  expect(sharedPrompt("The sky is blue.", "The sky is black.")).toBe("The sky is"); // TRL cuts after "bl"
  expect(sharedPrompt("Say yes", "Say yes twice")).toBe("Say");
  expect(sharedPrompt("\n\nHuman: q\n\nAssistant: I think A", "\n\nHuman: q\n\nAssistant: I think B")).toBe(
    "\n\nHuman: q\n\nAssistant:",
  );
  expect(sharedPrompt("### Response:\nIt is a", "### Response:\nIt is b")).toBe("### Response:\n");
  expect(sharedPrompt("你好吗", "你好呀")).toBe("你好");
  expect(sharedPrompt("a", "b")).toBe("");
  expect(sharedPrompt("", "b")).toBe("");
  expect(sharedPrompt("same", "same")).toBe("");
});

const shared = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "data", "formats");
describe.skipIf(!existsSync(shared) && !process.env["CI"])("real files", () => {
  test.each([
    ["dpo_en_demo.json", "preference"],
    ["dpo_zh_demo.json", "preference"],
    ["kto_en_demo.json", "unpaired"],
  ])("%s is read as %s, every row", (file, format) => {
    const rows = JSON.parse(readFileSync(path.join(shared, file), "utf8")) as Row[];
    const { mapping } = detectMapping(Object.keys(rows[0] ?? {}), rows.slice(0, 100));
    expect(mapping.format).toBe(format);
    const examples = rows.map((row) => toExample(row, mapping));
    if (format === "unpaired") expect(new Set(examples.map(({ label }) => label))).toEqual(new Set([true, false]));
    else expect(examples.every(({ completion, rejected }) => completion !== rejected)).toBe(true);
  });
});

const steps: Mapping = { ...kto, completion: "completions", label: "labels" };

test("TRL's stepwise rows are one labelled answer, good where every step is", () => {
  const rows: Row[] = [
    { prompt: "Blue light", completions: [" scatters more,", " so it is green."], labels: [true, false] },
    { prompt: "Water", completions: [" forms ice,", " which expands."], labels: [true, true] },
  ];
  const { mapping } = detectMapping(["prompt", "completions", "labels"], rows);
  expect(mapping).toEqual(steps);
  expect(rows.map((row) => toExample(row, mapping))).toEqual([
    { prompt: "Blue light", completion: " scatters more, so it is green.", label: false },
    { prompt: "Water", completion: " forms ice, which expands.", label: true },
  ]);
  // A table carries the lists as text.
  const cells = { prompt: "p", completions: '["a","b"]', labels: "[1, 1]" };
  expect(detectMapping(["prompt", "completions", "labels"], [cells]).mapping).toEqual(steps);
  expect(toExample(cells, steps)).toEqual({ prompt: "p", completion: "ab", label: true });
});

test.each<[string, Row, RegExp]>([
  ["fewer labels than steps", { completions: ["a", "b"], labels: [true] }, /2 steps in "completions" and 1 labels/],
  ["no labels", { completions: ["a", "b"] }, /"labels" is missing/],
  ["null labels", { completions: ["a", "b"], labels: null }, /"labels" is empty/],
  ["no steps", { labels: [true] }, /"completions" is missing/],
  ["an empty list", { completions: [], labels: [] }, /"completions" is empty/],
  ["steps of nothing", { completions: ["", " "], labels: [true, true] }, /"completions" is empty/],
  ["a step that is a number", { completions: ["a", 2], labels: [true, true] }, /step 2 is not text/],
  ["a label of neither", { completions: ["a"], labels: ["maybe"] }, /"labels\[0\]" is neither true nor false: "maybe"/],
  ["a label of null", { completions: ["a", "b"], labels: [true, null] }, /"labels\[1\]" is empty/],
  ["one label for all", { completions: ["a", "b"], labels: true }, /"completions" is a list, "labels" is not/],
  ["one text for all", { completions: "a", labels: [true] }, /"labels" is a list, "completions" is not/],
])("stepwise, %s: refused", (_, row, message) => {
  expect(() => toExample({ prompt: "p", ...row }, steps)).toThrow(
    expect.objectContaining({ code: "dataset.row", message: expect.stringMatching(message) as string }) as Error,
  );
});

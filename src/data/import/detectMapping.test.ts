import { expect, test } from "vitest";
import type { Mapping, Row } from "../../core/dataset";
import { columnsOf, detectMapping } from "./detectMapping";

const detect = (...rows: Row[]) => detectMapping(columnsOf(rows), rows);
const pair = (prompt: string, completion: string): Mapping => ({
  format: "prompt-completion",
  prompt: [prompt],
  completion,
  turns: "",
});

test("the formats of the field are told by their columns and contents", () => {
  const gsm8k = detect({ question: "q", answer: "2+2\n#### 4" });
  expect(gsm8k.mapping).toEqual({ format: "gsm8k", prompt: ["question"], completion: "answer", turns: "" });
  expect(gsm8k.candidates).toContainEqual(pair("question", "answer"));
  expect(detect({ question: "q", answer: "four" }).mapping).toEqual(pair("question", "answer"));
  expect(
    detect({ instruction: "i", input: "", output: "o" }, { instruction: "i", input: "x", output: "o" }).mapping,
  ).toEqual({ format: "alpaca", prompt: ["instruction", "input"], completion: "output", turns: "" });
  expect(
    detect({
      conversations: [
        { from: "human", value: "q" },
        { from: "gpt", value: "a" },
      ],
    }).mapping,
  ).toEqual({ format: "sharegpt", prompt: [], completion: "", turns: "conversations" });
  expect(
    detect({
      conversations: [
        { role: "user", content: "q" },
        { role: "assistant", content: "a" },
      ],
    }).mapping,
  ).toEqual({ format: "messages", prompt: [], completion: "", turns: "conversations" });
  expect(detect({ dialog: '[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]' }).mapping).toEqual({
    format: "messages",
    prompt: [],
    completion: "",
    turns: "dialog",
  });
  expect(detect({ text: "t", id: 7 }).mapping).toEqual({ format: "text", prompt: [], completion: "text", turns: "" });
  expect(detect({ Prompt: "p", Completion: "c" }).mapping).toEqual(pair("Prompt", "Completion"));
});

test.each([
  ["prompt", "completion"],
  ["input", "output"],
  ["question", "answer"],
  ["instruction", "response"],
  ["query", "response"],
  ["problem", "solution"],
  ["question", "std_answer"],
  ["input", "golden"],
])("%s goes with %s", (prompt, completion) => {
  expect(detect({ id: "1", note: "n", [completion]: "c", [prompt]: "p" }).mapping).toEqual(pair(prompt, completion));
});

test("no name is found within another, and nothing is guessed where nothing fits", () => {
  const { mapping, candidates } = detect({ context: "a", subtext: "b", questions: "c", answered: "d" });
  expect(candidates).toEqual([]);
  expect(mapping).toEqual({ format: "prompt-completion", prompt: [], completion: "", turns: "" });
});

test("a reading that gives most rows no completion is not the guess", () => {
  const rows = Array.from(
    { length: 10 },
    (_, i): Row => ({ instruction: "i", output: i === 0 ? "o" : "", answer: "A" }),
  );
  const { mapping, candidates } = detect(...rows);
  expect(mapping).toEqual(pair("instruction", "answer"));
  expect(candidates.at(-1)?.completion).toBe("output");
});

test("a conversation that ends with a question gives nothing to learn and is no candidate", () => {
  expect(detect({ conversations: [{ from: "human", value: "q" }], chosen: {}, rejected: {} }).candidates).toEqual([]);
});

const turn = { role: "user", content: "q" };
const answer = { role: "assistant", content: "a" };
const preference = (prompt: string[], completion = "chosen", rejected = "rejected"): Mapping => ({
  format: "preference",
  prompt,
  completion,
  rejected,
  turns: "",
});

test("rows that judge are told by their answers and labels", () => {
  expect(detect({ prompt: "p", chosen: "a", rejected: "b" }).mapping).toEqual(preference(["prompt"]));
  expect(detect({ chosen: "p a", rejected: "p b" }).mapping).toEqual(preference([]));
  expect(detect({ chosen: [turn, answer], rejected: [turn, { ...answer, content: "b" }] }).mapping).toEqual(
    preference([]),
  );
  expect(detect({ instruction: "i", input: "", system: "s", chosen: "a", rejected: "b" }).mapping).toEqual(
    preference(["system", "instruction", "input"]),
  );
  expect(detect({ instruction: "i", input: "", output: ["a", "b"] }).mapping).toEqual(
    preference(["instruction", "input"], "output", "output"),
  );
  expect(
    detect({
      conversations: [{ from: "human", value: "q" }],
      chosen: { from: "gpt", value: "a" },
      rejected: { from: "gpt", value: "b" },
    }).mapping,
  ).toEqual(preference(["conversations"]));
  expect(detect({ question: "q", chosen: "a", rejected: "b", dimension: "brevity" }).mapping).toEqual({
    ...preference(["question"]),
    dimension: "dimension",
  });
  expect(detect({ prompt: "p", completion: "c", label: false }).mapping).toEqual({
    format: "unpaired",
    prompt: ["prompt"],
    completion: "completion",
    turns: "",
    label: "label",
  });
  const talk = detect({ messages: [turn, answer], label: 1 });
  expect(talk.mapping).toEqual({ format: "unpaired", prompt: [], completion: "", turns: "messages", label: "label" });
  expect(talk.candidates.map(({ format }) => format)).toContain("messages");
});

test("a bad label among good ones is a bad row, not another form", () => {
  const rows = Array.from(
    { length: 10 },
    (_, i): Row => ({ prompt: "p", completion: "c", label: i === 3 ? "?" : true }),
  );
  expect(detect(...rows).mapping.format).toBe("unpaired");
});

test("a label that says more than yes and no, or two columns of that name without answers, judge nothing", () => {
  expect(detect({ prompt: "p", completion: "c", label: "sports" }).mapping.format).toBe("prompt-completion");
  expect(
    detect({ prompt: "p", completion: "c", label: 1 }, { prompt: "p", completion: "c", label: 2 }).mapping,
  ).toEqual(pair("prompt", "completion"));
  expect(detect({ text: "t", label: 1 }).mapping.format).toBe("text");
  expect(detect({ prompt: "p", completion: "c", chosen: null, rejected: null }).mapping.format).toBe(
    "prompt-completion",
  );
  expect(detect({ instruction: "i", output: ["a", "b", "c"] }).candidates).toEqual([]);
});

test("a prompt with a bare answer is a pair, its number among them", () => {
  expect(detect({ problem: "p", answer: 72 }).mapping).toEqual(pair("problem", "answer"));
  expect(detect({ prompt: [turn], answer: 72 }).mapping).toEqual(pair("prompt", "answer"));
});

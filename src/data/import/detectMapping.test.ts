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

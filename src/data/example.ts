/** @file A row of a data set, under its mapping, as what the model is given and what it learns to answer. */

import type { Example, Mapping, Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { readSpans } from "./logicRow";

type Speaker = "system" | "user" | "assistant" | "tool call" | "tool";
type Turn = { speaker: Speaker; text: string };

function fail(reason: Said): never {
  throw new StudioError("dataset.row", reason);
}

/** The names data sets give to those who speak. */
const speakers: Readonly<Record<string, Speaker>> = {
  system: "system",
  developer: "system",
  human: "user",
  user: "user",
  gpt: "assistant",
  assistant: "assistant",
  model: "assistant",
  chatgpt: "assistant",
  function_call: "tool call",
  observation: "tool",
  function: "tool",
  tool: "tool",
};

const labels: Record<Exclude<Speaker, "system">, string> = {
  user: "User",
  assistant: "Assistant",
  "tool call": "Tool call",
  tool: "Tool",
};

/** A cell as text; null where it is absent or empty. Numbers and truth values are written out, lists and records refused. */
function readText(row: Row, column: string): string | null {
  const value = Object.hasOwn(row, column) ? row[column] : undefined;
  if (value === undefined || value === null) return null;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") fail(say`The column "${column}" is not text`);
  return value.trim() === "" ? null : value;
}

function needText(row: Row, column: string): string {
  const text = readText(row, column);
  if (text !== null) return text;
  return fail(
    Object.hasOwn(row, column) ? say`The column "${column}" is empty` : say`The column "${column}" is missing`,
  );
}

/** Earlier turns and the last question as one text. A single question stands alone; a longer talk is labelled. */
function renderTurns(turns: readonly Turn[]): string {
  const system = turns.filter(({ speaker }) => speaker === "system").map(({ text }) => text);
  const spoken = turns.filter(({ speaker }) => speaker !== "system");
  const only = spoken[0];
  const talk =
    spoken.length === 1 && only?.speaker === "user"
      ? [only.text]
      : spoken.map(({ speaker, text }) => (speaker === "system" ? text : `${labels[speaker]}: ${text}`));
  return [...system, ...talk].join("\n\n");
}

/** A message's text: a string, or a list of parts of which each is text. */
function readContent(content: unknown, where: Said): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) fail(say`${where} has no text`);
  const parts = content.map((part: unknown) => {
    if (typeof part === "string") return part;
    const record = (typeof part === "object" && part !== null ? part : {}) as Record<string, unknown>;
    const text = record["text"] ?? record["value"];
    if ((record["type"] ?? "text") !== "text" || typeof text !== "string")
      fail(say`${where} has a part that is not text`);
    return text;
  });
  return parts.join("");
}

function readTurns(row: Row, mapping: Mapping): Turn[] {
  const column = mapping.turns;
  let value = Object.hasOwn(row, column) ? row[column] : undefined;
  if (value === undefined || value === null) fail(say`The column "${column}" is missing`);
  if (typeof value === "string") {
    // A table (CSV) carries its turns as JSON.
    try {
      value = JSON.parse(value) as unknown;
    } catch {
      fail(say`The column "${column}" is not a list of turns`);
    }
  }
  if (!Array.isArray(value)) fail(say`The column "${column}" is not a list of turns`);
  const [speakerKey, textKey] =
    mapping.format === "sharegpt" ? (["from", "value"] as const) : (["role", "content"] as const);
  return value.map((item: unknown, i): Turn => {
    const where = say`Turn ${i + 1}`;
    if (typeof item !== "object" || item === null) fail(say`${where} is not a record`);
    const turn = item as Record<string, unknown>;
    const name = turn[speakerKey];
    if (typeof name !== "string") fail(say`${where} has no "${speakerKey}"`);
    const speaker = Object.hasOwn(speakers, name.toLowerCase()) ? speakers[name.toLowerCase()] : undefined;
    if (!speaker) fail(say`${where}: "${name}" is not a known speaker`);
    return { speaker, text: readContent(turn[textKey], where) };
  });
}

/** Split at the last turn of the assistant; what follows it answers nothing and is left out. */
function splitTurns(turns: readonly Turn[]): Example {
  const last = turns.findLastIndex(({ speaker }) => speaker === "assistant");
  const answer = turns[last];
  if (!answer) fail(say`No turn is the assistant's`);
  if (answer.text.trim() === "") fail(say`Turn ${last + 1}, the assistant's last, is empty`);
  const before = turns.slice(0, last);
  if (!before.some(({ speaker, text }) => speaker !== "system" && text.trim() !== ""))
    fail(say`Nothing comes before the assistant's last turn`);
  return { prompt: renderTurns(before), completion: answer.text };
}

/** alpaca's history: pairs of earlier question and answer. */
function readHistory(row: Row): Turn[] {
  const history = row["history"];
  if (history === undefined || history === null || history === "") return [];
  if (!Array.isArray(history)) fail(say`The column "history" is not a list of pairs`);
  return history.flatMap((pair: unknown, i): Turn[] => {
    if (!Array.isArray(pair) || pair.length !== 2 || pair.some((text) => typeof text !== "string"))
      fail(say`history[${i}] is not a pair of texts`);
    const [question, answer] = pair as [string, string];
    return [
      { speaker: "user", text: question },
      { speaker: "assistant", text: answer },
    ];
  });
}

function readPrompt(row: Row, columns: readonly string[]): string {
  const parts = columns.flatMap((column) => readText(row, column) ?? []);
  if (parts.length > 0) return parts.join("\n\n");
  const named = columns.map((column) => `"${column}"`).join(", ");
  return fail(columns.length === 0 ? say`No column is mapped to the prompt` : say`Nothing stands in ${named}`);
}

/** alpaca's own `system` and `history` belong to the prompt whether or not the mapping lists them. */
function readAlpaca(row: Row, mapping: Mapping): Example {
  const columns = mapping.prompt.filter((column) => column !== "system" && column !== "history");
  const system = readText(row, "system");
  const turns: Turn[] = [
    ...(system === null ? [] : [{ speaker: "system", text: system } as const]),
    ...readHistory(row),
    { speaker: "user", text: readPrompt(row, columns) },
  ];
  return { prompt: renderTurns(turns), completion: needText(row, mapping.completion) };
}

/** Throws `dataset.row` with the reason in one sentence. */
export function toExample(row: Row, mapping: Mapping): Example {
  const example = readExample(row, mapping);
  const spans = mapping.spans === undefined ? undefined : readSpans(row, mapping.spans, example.prompt);
  return spans ? { ...example, spans } : example;
}

function readExample(row: Row, mapping: Mapping): Example {
  switch (mapping.format) {
    case "gsm8k":
    case "prompt-completion":
      return { prompt: readPrompt(row, mapping.prompt), completion: needText(row, mapping.completion) };
    case "alpaca":
      return readAlpaca(row, mapping);
    case "sharegpt":
    case "messages":
      return splitTurns(readTurns(row, mapping));
    case "text":
      return { prompt: "", completion: needText(row, mapping.completion) };
  }
}

/** @file The cells of a row: as text, or as the turns of a talk. */

import type { Row } from "../core/dataset";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";

type Speaker = "system" | "user" | "assistant" | "tool call" | "tool";
export type Turn = { speaker: Speaker; text: string };

/** Throws `dataset.row`. */
export function fail(reason: Said): never {
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

export const cellOf = (row: Row, column: string): unknown => (Object.hasOwn(row, column) ? row[column] : undefined);

/** A cell as text; null where it is absent or empty. Numbers and truth values are written out, lists and records refused. */
export function readText(row: Row, column: string): string | null {
  const value = cellOf(row, column);
  if (value === undefined || value === null) return null;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") fail(say`The column "${column}" is not text`);
  return value.trim() === "" ? null : value;
}

export function failAbsent(row: Row, column: string): never {
  return fail(
    Object.hasOwn(row, column) ? say`The column "${column}" is empty` : say`The column "${column}" is missing`,
  );
}

export function needText(row: Row, column: string): string {
  return readText(row, column) ?? failAbsent(row, column);
}

/** Earlier turns and the last question as one text. A single question stands alone; a longer talk is labelled. */
export function renderTurns(turns: readonly Turn[]): string {
  const system = turns.filter(({ speaker }) => speaker === "system").map(({ text }) => text);
  const spoken = turns.filter(({ speaker }) => speaker !== "system");
  const only = spoken[0];
  const talk =
    spoken.length === 1 && only?.speaker === "user"
      ? [only.text]
      : spoken.map(({ speaker, text }) => (speaker === "system" ? text : `${labels[speaker]}: ${text}`));
  return [...system, ...talk].join("\n\n");
}

/** Split at the last turn of the assistant; what follows it answers nothing and is left out. Throws `dataset.row`. */
export function splitTurns(turns: readonly Turn[]): { prompt: string; completion: string } {
  const last = turns.findLastIndex(({ speaker }) => speaker === "assistant");
  const answer = turns[last];
  if (!answer) fail(say`No turn is the assistant's`);
  if (answer.text.trim() === "") fail(say`Turn ${last + 1}, the assistant's last, is empty`);
  const before = turns.slice(0, last);
  if (!before.some(({ speaker, text }) => speaker !== "system" && text.trim() !== ""))
    fail(say`Nothing comes before the assistant's last turn`);
  return { prompt: renderTurns(before), completion: answer.text };
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

const spelling = {
  sharegpt: ["from", "value"],
  messages: ["role", "content"],
} as const;

function readTurn(item: unknown, where: Said, [speakerKey, textKey]: readonly [string, string]): Turn {
  if (typeof item !== "object" || item === null) fail(say`${where} is not a record`);
  const turn = item as Record<string, unknown>;
  const name = turn[speakerKey];
  if (typeof name !== "string") fail(say`${where} has no "${speakerKey}"`);
  const speaker = Object.hasOwn(speakers, name.toLowerCase()) ? speakers[name.toLowerCase()] : undefined;
  if (!speaker) fail(say`${where}: "${name}" is not a known speaker`);
  return { speaker, text: readContent(turn[textKey], where) };
}

/** A cell of turns; a table (CSV) carries them as JSON. Throws `dataset.row`. */
export function readTurns(row: Row, column: string, spelt: keyof typeof spelling): Turn[] {
  let value = cellOf(row, column);
  if (value === undefined || value === null) fail(say`The column "${column}" is missing`);
  if (typeof value === "string") {
    try {
      value = JSON.parse(value) as unknown;
    } catch {
      fail(say`The column "${column}" is not a list of turns`);
    }
  }
  if (!Array.isArray(value)) fail(say`The column "${column}" is not a list of turns`);
  return value.map((item: unknown, i) => readTurn(item, say`Turn ${i + 1}`, spelling[spelt]));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A record that a message is, in either spelling. */
const isTurn = (value: unknown): boolean =>
  isRecord(value) && (("role" in value && "content" in value) || ("from" in value && "value" in value));

/** A list that a cell of a table may carry as JSON; the cell itself where it carries none. */
export function parseList(value: unknown): unknown {
  if (typeof value !== "string" || !value.trimStart().startsWith("[")) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/**
 * A value as turns: a list of them in either spelling, or one alone; null for what is something else (a text, even one
 * that is JSON, unless it is a list of nothing but turns). Throws `dataset.row` for a list with an item that is no turn.
 */
export function turnsIn(value: unknown, column: string): Turn[] | null {
  const parsed = parseList(value);
  const isList = Array.isArray(parsed) && parsed.length > 0;
  const list = isRecord(parsed) ? [parsed] : isList ? (parsed as unknown[]) : null;
  if (!list || (typeof value === "string" ? !list.every(isTurn) : !list.some(isTurn))) return null;
  return list.map((item, i) => {
    const keys = isRecord(item) && "from" in item && !("role" in item) ? spelling.sharegpt : spelling.messages;
    return readTurn(item, say`The column "${column}", turn ${i + 1}`, keys);
  });
}

/** alpaca's history: pairs of earlier question and answer. */
export function readHistory(row: Row): Turn[] {
  const history = cellOf(row, "history");
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

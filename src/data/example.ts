/** @file A row of a data set, under its mapping, as what the model is given and what it learns to answer. */

import type { Example, Mapping, Row } from "../core/dataset";
import { say } from "../core/say";
import { readFinalStart } from "./finalStart";
import { readPreference, readUnpaired } from "./judgedRow";
import { readSpans } from "./logicRow";
import { answerTo, readAnswer, readPromptTurns } from "./promptCells";
import {
  cellOf,
  fail,
  needText,
  readHistory,
  readText,
  readTurns,
  renderTurns,
  splitTurns,
  type Turn,
  turnsIn,
} from "./rowCells";

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
  const { finalStart: column } = mapping;
  const finalStart = column === undefined ? undefined : readFinalStart(row, column, example.completion);
  return { ...example, ...(spans ? { spans } : {}), ...(finalStart === undefined ? {} : { finalStart }) };
}

const readPair = (row: Row, mapping: Mapping): Example => ({
  prompt: readPrompt(row, mapping.prompt),
  completion: needText(row, mapping.completion),
});

/** Whether the prompt or the answer stands as messages (TRL's conversational rows). A text is a text, JSON or not. */
const isTalk = (row: Row, { prompt, completion }: Mapping): boolean =>
  [...prompt, completion].some((column) => {
    const cell = cellOf(row, column);
    return typeof cell === "object" && turnsIn(cell, column) !== null;
  });

function readTalk(row: Row, { prompt: columns, completion: column }: Mapping): Example {
  return answerTo(readPromptTurns(row, columns), readAnswer(row, column), columns);
}

function readExample(row: Row, mapping: Mapping): Example {
  switch (mapping.format) {
    case "prompt-completion":
      return isTalk(row, mapping) ? readTalk(row, mapping) : readPair(row, mapping);
    case "gsm8k":
      return readPair(row, mapping);
    case "alpaca":
      return readAlpaca(row, mapping);
    case "sharegpt":
    case "messages":
      return splitTurns(readTurns(row, mapping.turns, mapping.format));
    case "preference":
      return readPreference(row, mapping);
    case "unpaired":
      return readUnpaired(row, mapping);
    case "text":
      return { prompt: "", completion: needText(row, mapping.completion) };
  }
}

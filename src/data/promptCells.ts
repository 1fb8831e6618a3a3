/** @file Cells that are a prompt or an answer, each a text or the turns of a talk. */

import type { Row } from "../core/dataset";
import { say } from "../core/say";
import { cellOf, fail, failAbsent, readHistory, readText, renderTurns, type Turn, turnsIn } from "./rowCells";

/** An answer's cell: text, or the turns of a talk that ends with the answer. */
export type Answer = { column: string; text: string } | { column: string; turns: Turn[] };

export function readAnswer(row: Row, column: string): Answer {
  const cell = cellOf(row, column);
  if (Array.isArray(cell) && cell.length === 0) failAbsent({ [column]: null }, column);
  const turns = turnsIn(cell, column);
  if (turns) return { column, turns };
  return { column, text: readText(row, column) ?? failAbsent(row, column) };
}

/**
 * The columns of a prompt as turns: lists of turns as they are, alpaca's `history` and `system` by their names, all else
 * joined by a blank line as the last question. Empty where nothing stands in them.
 */
export function readPromptTurns(row: Row, columns: readonly string[]): Turn[] {
  const turns: Turn[] = [];
  const question: string[] = [];
  for (const column of columns) {
    const cell = cellOf(row, column);
    if (Array.isArray(cell) && cell.length === 0) continue;
    const list = column === "history" ? readHistory(row) : turnsIn(cell, column);
    if (list) turns.push(...list);
    else {
      const text = readText(row, column);
      if (text !== null && column === "system") turns.unshift({ speaker: "system", text });
      else if (text !== null) question.push(text);
    }
  }
  return question.length > 0 ? [...turns, { speaker: "user", text: question.join("\n\n") }] : turns;
}

/** A prompt that asks something. Throws `dataset.row` where only a system message or nothing at all comes before. */
export function renderPrompt(turns: readonly Turn[], columns: readonly string[]): string {
  if (turns.some(({ speaker, text }) => speaker !== "system" && text.trim() !== "")) return renderTurns(turns);
  const named = columns.map((column) => `"${column}"`).join(", ");
  return fail(columns.length === 0 ? say`Nothing comes before the answers` : say`Nothing stands in ${named}`);
}

/** The one turn an answer adds to what came before. */
export function lastAnswer(turns: readonly Turn[], column: string): string {
  const [answer, ...more] = turns;
  if (!answer) fail(say`The column "${column}" has no answer of its own`);
  if (more.length > 0) fail(say`The column "${column}" goes on for ${turns.length} turns where one answer is wanted`);
  if (answer.speaker !== "assistant") fail(say`The column "${column}" does not end with the assistant's turn`);
  if (answer.text.trim() === "") fail(say`The column "${column}" is empty`);
  return answer.text;
}

/** What was asked and its answer, of which talks bring all that comes before their last turn. Throws `dataset.row`. */
export function answerTo(
  asked: readonly Turn[],
  answer: Answer,
  columns: readonly string[],
): { prompt: string; completion: string } {
  if ("text" in answer) return { prompt: renderPrompt(asked, columns), completion: answer.text };
  const { turns, column } = answer;
  const prompt = renderPrompt([...asked, ...turns.slice(0, -1)], columns);
  return { prompt, completion: lastAnswer(turns.slice(-1), column) };
}

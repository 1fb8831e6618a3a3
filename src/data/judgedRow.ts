/** @file Rows that judge answers: a better and a worse one to the same prompt, or one that is called good or bad. */

import type { Example, Mapping, Row } from "../core/dataset";
import { say } from "../core/say";
import { type Answer, answerTo, lastAnswer, readAnswer, readPromptTurns, renderPrompt } from "./promptCells";
import { cellOf, fail, failAbsent, parseList, readText, splitTurns, type Turn, turnsIn } from "./rowCells";
import { sharedPrompt } from "./sharedPrompt";

/** A cell of one list of answers, [better, worse], as LLaMA-Factory's older ranking rows have it. */
function readRanked(row: Row, column: string): [Answer, Answer] {
  const list = parseList(cellOf(row, column));
  if (list === undefined || list === null) failAbsent(row, column);
  if (!Array.isArray(list) || list.length !== 2) {
    fail(say`The column "${column}" is not a list of two answers, the better and the worse`);
  }
  const [better, worse] = (list as unknown[]).map((each) => readAnswer({ [column]: each }, column));
  return [better as Answer, worse as Answer];
}

const isSame = (a: Turn | undefined, b: Turn | undefined) => a?.speaker === b?.speaker && a?.text === b?.text;

/** How many first turns two talks share, their last ones never among them. */
function sharedTurns(a: readonly Turn[], b: readonly Turn[]): number {
  const most = Math.min(a.length, b.length) - 1;
  const different = a.slice(0, Math.max(0, most)).findIndex((turn, i) => !isSame(turn, b[i]));
  return different < 0 ? Math.max(0, most) : different;
}

/**
 * Some sets bring the prompt in a column and again as the first turns of both answers (UltraFeedback): it is then read
 * once, with the system message that the talks may bring.
 */
const repeats = (shared: readonly Turn[], prompt: readonly Turn[]) =>
  prompt.length > 0 &&
  shared.length >= prompt.length &&
  prompt.every((turn, i) => isSame(turn, shared[shared.length - prompt.length + i]));

/** What the row says it judges, where it says so. */
function dimensionOf(row: Row, { dimension }: Mapping): { dimension?: string } {
  const named = dimension === undefined ? null : readText(row, dimension);
  return named === null ? {} : { dimension: named.trim() };
}

/** A preference row. Throws `dataset.row`. */
export function readPreference(row: Row, mapping: Mapping): Example {
  const { prompt: columns, completion, rejected = "" } = mapping;
  if (completion === "" || rejected === "") fail(say`No column is mapped to the rejected answer`);
  const [better, worse] =
    completion === rejected ? readRanked(row, completion) : [readAnswer(row, completion), readAnswer(row, rejected)];
  const example = pairOf(readPromptTurns(row, columns), better, worse, columns);
  if (example.completion.trim() === example.rejected.trim()) fail(say`The chosen and the rejected answer are the same`);
  return { ...example, ...dimensionOf(row, mapping) };
}

function pairOf(asked: Turn[], better: Answer, worse: Answer, columns: readonly string[]) {
  if ("turns" in better !== "turns" in worse) {
    fail(say`Of "${better.column}" and "${worse.column}" one is a text and the other a list of turns`);
  }
  if ("turns" in better && "turns" in worse) {
    const count = sharedTurns(better.turns, worse.turns);
    const shared = better.turns.slice(0, count);
    const prompt = renderPrompt(repeats(shared, asked) ? shared : [...asked, ...shared], columns);
    const [chosen, rejected] = [better, worse].map(({ turns, column }) => lastAnswer(turns.slice(count), column));
    return { prompt, completion: chosen as string, rejected: rejected as string };
  }
  const [chosen, rejected] = [better, worse].map((answer) => ("text" in answer ? answer.text : "")) as [string, string];
  if (columns.length > 0) return { prompt: renderPrompt(asked, columns), completion: chosen, rejected };
  if (chosen.trim() === rejected.trim()) return { prompt: "", completion: chosen, rejected };
  const prompt = sharedPrompt(chosen, rejected);
  if (prompt.trim() === "") fail(say`The two answers share no beginning that could be the prompt`);
  return { prompt, completion: chosen.slice(prompt.length), rejected: rejected.slice(prompt.length) };
}

/** Whether a cell calls its answer good. Throws `dataset.row` for what says neither. */
function readLabel(cell: unknown, column: string): boolean {
  if (cell === undefined || cell === null || cell === "") failAbsent({ [column]: null }, column);
  const word = typeof cell === "string" ? cell.trim().toLowerCase() : cell;
  if (word === true || word === 1 || word === "true" || word === "1") return true;
  if (word === false || word === 0 || word === "false" || word === "0") return false;
  return fail(say`The column "${column}" is neither true nor false: ${JSON.stringify(cell).slice(0, 40)}`);
}

/**
 * A row that judges step by step, as TRL's stepwise supervision does: good where every step is, as TRL's own way from
 * there to unpaired rows has it. The steps are joined as they stand. Throws `dataset.row`.
 */
function readStepwise(row: Row, { prompt, completion: column, label: labelColumn = "" }: Mapping): Example {
  const [steps, labels] = [parseList(cellOf(row, column)), parseList(cellOf(row, labelColumn))];
  if (steps === undefined || steps === null) failAbsent(row, column);
  if (labels === undefined || labels === null || labels === "") failAbsent(row, labelColumn);
  if (!Array.isArray(steps)) fail(say`The column "${labelColumn}" is a list, "${column}" is not`);
  if (!Array.isArray(labels)) fail(say`The column "${column}" is a list, "${labelColumn}" is not`);
  if (steps.length !== labels.length)
    fail(say`There are ${steps.length} steps in "${column}" and ${labels.length} labels in "${labelColumn}"`);
  const texts = steps.map((step: unknown, i) => {
    if (typeof step !== "string") fail(say`The column "${column}": step ${i + 1} is not text`);
    return step;
  });
  const completion = texts.join("");
  if (completion.trim() === "") failAbsent({ [column]: null }, column);
  const isGood = labels.map((label: unknown, i) => readLabel(label, `${labelColumn}[${i}]`)).every(Boolean);
  return { prompt: renderPrompt(readPromptTurns(row, prompt), prompt), completion, label: isGood };
}

/** A list of steps rather than the messages of an answer, in whichever of the two columns. */
function isStepwise(row: Row, { completion, turns, label = "" }: Mapping): boolean {
  if (turns !== "") return false;
  const steps = parseList(cellOf(row, completion));
  const isList = Array.isArray(steps) && steps.length > 0 && steps.every((step) => typeof step === "string");
  return isList || Array.isArray(parseList(cellOf(row, label)));
}

/** A row whose answer stands in a column of its own, or is the assistant's last turn of a talk. Throws `dataset.row`. */
export function readUnpaired(row: Row, mapping: Mapping): Example {
  const { prompt: columns, completion: column, turns: talk, label: labelColumn = "" } = mapping;
  if (labelColumn === "") fail(say`No column is mapped to the label`);
  if (isStepwise(row, mapping)) return readStepwise(row, mapping);
  const said = cellOf(row, labelColumn);
  const label = said === undefined ? failAbsent(row, labelColumn) : readLabel(said, labelColumn);
  const asked = readPromptTurns(row, columns);
  if (talk !== "") {
    const turns = turnsIn(cellOf(row, talk), talk) ?? fail(say`The column "${talk}" is not a list of turns`);
    return { ...splitTurns([...asked, ...turns]), label };
  }
  return { ...answerTo(asked, readAnswer(row, column), columns), label };
}

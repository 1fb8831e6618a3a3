/** @file Readings of rows that judge: preference rows by their two answers, unpaired ones by their label. */

import type { Mapping, Row } from "../../core/dataset";
import { parseList } from "../rowCells";
import { find, named, promptNames, turnColumns } from "./findColumns";

const answerPairs = [
  ["chosen", "rejected"],
  ["chosen_response", "rejected_response"],
  ["preferred", "dispreferred"],
  ["better", "worse"],
] as const;
/** LLaMA-Factory's older ranking rows list [better, worse] in the answer's own column. */
const rankedNames = ["output", "completion", "response"];
const labelNames = ["label", "kto_tag", "labels"];
const dimensionNames = ["dimension", "aspect", "criterion", "attribute"];
const completionNames = ["completion", "response", "answer", "output"];
/** TRL's rows that judge each step of an answer. */
const stepsName = "completions";

/** Nearly every value that is there passes (one that does not is a bad row, not another form), and there is one. */
const holds = (rows: readonly Row[], column: string, test: (value: unknown) => boolean): boolean => {
  const values = rows.map((row) => row[column]).filter((value) => value !== undefined && value !== null);
  return values.length > 0 && values.filter(test).length >= 0.8 * values.length;
};

const isLabel = (value: unknown): boolean =>
  typeof value === "boolean" ||
  value === 0 ||
  value === 1 ||
  (typeof value === "string" && /^(true|false|0|1)$/i.test(value.trim()));

/** Of an answer as a whole, or of each of its steps. */
const areLabels = (value: unknown): boolean => {
  const list = parseList(value);
  return Array.isArray(list) ? list.length > 0 && list.every(isLabel) : isLabel(value);
};

const isSteps = (value: unknown): boolean => {
  const list = parseList(value);
  return Array.isArray(list) && list.length > 0 && list.every((step) => typeof step === "string");
};

const isRanking = (value: unknown): boolean => {
  const list = parseList(value);
  return Array.isArray(list) && list.length === 2;
};

/** The prompt's columns: what frames it, then the talk so far or the question; empty where there is none. */
function promptColumns(columns: readonly string[], rows: readonly Row[]): string[] {
  const [talk] = [
    ...turnColumns(columns, rows, "role", "content"),
    ...turnColumns(columns, rows, "from", "value"),
  ].filter((column) => !answerPairs.flat().some((name) => name === column.toLowerCase()));
  const instruction = find(columns, "instruction");
  const input = instruction === undefined ? undefined : find(columns, "input");
  const [question] = instruction === undefined ? named(columns, promptNames) : [instruction];
  const asked = talk === undefined ? [question, input] : [talk];
  if (asked[0] === undefined) return [];
  return [...["system", "history"].filter((column) => columns.includes(column)), ...asked].filter(
    (column) => column !== undefined,
  );
}

function preferenceReadings(columns: readonly string[], rows: readonly Row[]): Mapping[] {
  const [dimension] = named(columns, dimensionNames).filter((column) =>
    holds(rows, column, (value) => typeof value === "string"),
  );
  const prompt = promptColumns(columns, rows);
  const answers = answerPairs.map((names) => names.map((name) => find(columns, name)));
  const ranked = named(columns, rankedNames).filter((column) => prompt.length > 0 && holds(rows, column, isRanking));
  return [...answers, ...ranked.map((column) => [column, column])].flatMap(([completion, rejected]) =>
    completion === undefined || rejected === undefined
      ? []
      : [{ format: "preference", prompt, completion, rejected, turns: "", ...(dimension ? { dimension } : {}) }],
  );
}

function unpairedReadings(columns: readonly string[], rows: readonly Row[]): Mapping[] {
  const [label] = named(columns, labelNames).filter((column) => holds(rows, column, areLabels));
  if (label === undefined) return [];
  const steps = find(columns, stepsName);
  const isStepwise = steps !== undefined && holds(rows, steps, isSteps);
  const [completion] = isStepwise ? [steps] : named(columns, completionNames);
  const prompt = promptColumns(columns, rows).filter((column) => column !== completion);
  if (completion !== undefined && prompt.length > 0) {
    return [{ format: "unpaired", prompt, completion, turns: "", label }];
  }
  const talks = [...turnColumns(columns, rows, "role", "content"), ...turnColumns(columns, rows, "from", "value")];
  return talks.slice(0, 1).map((turns) => {
    const framed = prompt.filter((column) => column !== turns);
    return { format: "unpaired", prompt: framed, completion: "", turns, label };
  });
}

/** Readings of these rows as judgements, the likeliest first. */
export function judgedReadings(columns: readonly string[], rows: readonly Row[]): Mapping[] {
  return [...preferenceReadings(columns, rows), ...unpairedReadings(columns, rows)];
}

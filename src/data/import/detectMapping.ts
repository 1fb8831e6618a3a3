/** @file Which column plays which part: a guess from names and contents, with every other reading the columns allow. */

import type { Mapping, Row } from "../../core/dataset";
import { findFinalStartColumn } from "../finalStart";
import { findSpanColumn } from "../logicRow";
import { find, named, promptNames, turnColumns } from "./findColumns";
import { judgedReadings } from "./judgedReadings";
import { tryExample } from "./tryExample";

const completionNames = [
  "completion",
  "response",
  "answer",
  "output",
  "solution",
  "rationale",
  "assistant",
  "std_answer",
  "reference_answer",
  "ground_truth",
  "golden",
  "target",
];
const textNames = ["text", "content", "document"];
/** Completions that go with a prompt's name come first. */
const pairs: Readonly<Record<string, string>> = {
  prompt: "completion",
  question: "answer",
  instruction: "response",
  input: "output",
  query: "response",
  problem: "solution",
  source: "target",
};

const finalAnswer = /####\s*-?[$0-9.,]+/;

/** Columns that hold text in most rows that have them. */
function textColumns(columns: readonly string[], rows: readonly Row[]): string[] {
  return columns.filter((column) => {
    const texts = rows.filter((row) => Object.hasOwn(row, column) && typeof row[column] === "string");
    return texts.length * 2 > rows.length;
  });
}

function pairMappings(columns: readonly string[]): Mapping[] {
  const completions = named(columns, completionNames);
  return named(columns, promptNames).flatMap((prompt) => {
    const partner = find(columns, pairs[prompt.toLowerCase()] ?? "");
    const ordered = [...new Set([...(partner === undefined ? [] : [partner]), ...completions])];
    return ordered.map((completion): Mapping => {
      return { format: "prompt-completion", prompt: [prompt], completion, turns: "" };
    });
  });
}

/** Every reading the names and contents allow, the likeliest first. */
function readings(columns: readonly string[], rows: readonly Row[]): Mapping[] {
  const mappings = judgedReadings(columns, rows);
  for (const turns of turnColumns(columns, rows, "role", "content")) {
    mappings.push({ format: "messages", prompt: [], completion: "", turns });
  }
  for (const turns of turnColumns(columns, rows, "from", "value")) {
    mappings.push({ format: "sharegpt", prompt: [], completion: "", turns });
  }
  const [question, answer] = [find(columns, "question"), find(columns, "answer")];
  if (question !== undefined && answer !== undefined) {
    const answered = rows.filter((row) => finalAnswer.test(String(row[answer])));
    if (answered.length * 10 >= rows.length * 9) {
      mappings.push({ format: "gsm8k", prompt: [question], completion: answer, turns: "" });
    }
  }
  const [instruction, output] = [find(columns, "instruction"), find(columns, "output")];
  if (instruction !== undefined && output !== undefined) {
    const input = find(columns, "input");
    const prompt = input === undefined ? [instruction] : [instruction, input];
    mappings.push({ format: "alpaca", prompt, completion: output, turns: "" });
  }
  mappings.push(...pairMappings(columns));
  const texts = textColumns(columns, rows);
  const only = texts.length === 1 && mappings.length === 0 ? texts : [];
  for (const completion of new Set([...named(texts, textNames), ...only])) {
    mappings.push({ format: "text", prompt: [], completion, turns: "" });
  }
  return mappings;
}

/** Share of the rows that become an example. */
function usableShare(rows: readonly Row[], mapping: Mapping): number {
  const usable = rows.filter((row) => !("reason" in tryExample(row, mapping)));
  return rows.length === 0 ? 0 : usable.length / rows.length;
}

/** No column has a part yet: the person has to choose. */
const unmapped: Mapping = { format: "prompt-completion", prompt: [], completion: "", turns: "" };

/**
 * A guess from a file's first rows and all readings that give an example for most of them; readings that serve only
 * a few come last. Where there is none the mapping is `unmapped`, which makes no example of any row.
 */
export function detectMapping(
  columns: readonly string[],
  rows: readonly Row[],
): { mapping: Mapping; candidates: Mapping[] } {
  const spans = findSpanColumn(columns, rows);
  const finalStart = findFinalStartColumn(columns, rows);
  const marked = (mapping: Mapping): Mapping => ({
    ...mapping,
    ...(spans === null || mapping.format === "text" ? {} : { spans }),
    ...(finalStart === null ? {} : { finalStart }),
  });
  const shares = readings(columns, rows).map((reading) => {
    const mapping = marked(reading);
    return { mapping, share: usableShare(rows, mapping) };
  });
  const usual = shares.filter(({ share }) => share >= 0.5);
  const rare = shares.filter(({ share }) => share > 0 && share < 0.5);
  const candidates = [...usual, ...rare].map(({ mapping }) => mapping);
  return { mapping: candidates[0] ?? unmapped, candidates };
}

/** The columns of rows, in the order they first appear. */
export function columnsOf(rows: Iterable<Row>): string[] {
  const columns = new Set<string>();
  for (const row of rows) for (const column of Object.keys(row)) columns.add(column);
  return [...columns];
}

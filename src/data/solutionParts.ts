/** @file Which of a worked solution's tokens are its steps and which its final answer: by a mark in the text, or by hand. */

import type { Example } from "../core/dataset";
import type { Document } from "./mask";
import type { Tokenizer } from "./tokenizer";

/** What opens a final answer: GSM8K's mark, the end of a thought, the last heading of a prompt for chain of thought. */
const answerMarks = [/#### /, /<\/think>/, /^[ \t*#]*(?:最终答案|Final answer)[ \t*]*[:：]/im];

/** UTF-16 units of ids as text; a character whose last bytes are not there yet is not counted. */
const lengthOf = (ids: readonly number[], tokenizer: Tokenizer) =>
  tokenizer.decode([...ids]).replace(/\uFFFD+$/, "").length;

/**
 * Where the completion stands in the text of an answer's ids, which has what the template adds before it. Some tokenizers
 * do not give a first space back, so the completion may begin before the text does.
 */
function completionAt(text: string, { completion }: Pick<Example, "completion">): number {
  const whole = text.indexOf(completion);
  if (whole >= 0) return whole;
  const bare = completion.trimStart();
  return Math.max(0, text.indexOf(bare)) - (completion.length - bare.length);
}

/** Where the final answer begins in the answer's text: where the row says, else at the last kind of mark, else at once. */
function finalAt(text: string, example: Pick<Example, "completion" | "finalStart">): number {
  const { finalStart } = example;
  if (finalStart === 0) return 0; // with what the template adds before it
  if (finalStart !== undefined) return completionAt(text, example) + finalStart;
  const starts = answerMarks.flatMap((mark) => mark.exec(text)?.index ?? []);
  return Math.max(0, ...starts);
}

/**
 * Which of a document's tokens are steps (1) and which the final answer (2); the mark is the answer's, and without a
 * mark all is. `example` is what the document was made of. [n]
 */
export function solutionParts(
  { tokens, promptLength }: Document,
  example: Pick<Example, "completion" | "finalStart">,
  tokenizer: Tokenizer,
): Uint8Array {
  const answer = tokens.slice(promptLength);
  const start = finalAt(tokenizer.decode(answer), example);
  // The first token with which more than the steps is there.
  let [low, high] = [0, answer.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (lengthOf(answer.slice(0, middle + 1), tokenizer) > start) high = middle;
    else low = middle + 1;
  }
  // A character of several tokens is not torn: its first half goes where the whole goes.
  const isWhole = () => lengthOf(answer.slice(0, low), tokenizer) === tokenizer.decode(answer.slice(0, low)).length;
  while (low > 0 && low < answer.length && !isWhole()) low--;
  return Uint8Array.from(tokens, (_, i) => (i < promptLength ? 0 : i < promptLength + low ? 1 : 2));
}

/**
 * Where token `first` of a document begins in its completion, as a row's `final_start`: what the template adds before
 * or after counts as the completion's first or last place.
 */
export function finalStartAt(
  { tokens, promptLength }: Document,
  first: number,
  example: Pick<Example, "completion">,
  tokenizer: Tokenizer,
): number {
  const answer = tokens.slice(promptLength);
  const before = lengthOf(answer.slice(0, Math.max(0, first - promptLength)), tokenizer);
  const place = before - completionAt(tokenizer.decode(answer), example);
  return Math.min(example.completion.length, Math.max(0, place));
}

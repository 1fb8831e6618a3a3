/** @file A worked answer as lines to draw: text, steps with a mark, the final answer. */

import { hasAnswer, scoreGsm8k } from "../scoring/gsm8k";
import { parseSteps } from "../scoring/steps";

export type Piece =
  | { kind: "text"; text: string }
  /** `48/2=24`, and what it should have been where it is wrong and can be computed. */
  | { kind: "step"; text: string; isRight: boolean; value: number | null }
  /** What follows `####`; null where there is nothing to compare it with. */
  | { kind: "final"; text: string; isRight: boolean | null };

export type WorkedAnswer = {
  lines: readonly (readonly Piece[])[];
  /** Steps written, and how many of them are right. */
  steps: number;
  rightSteps: number;
  /** By the strict rule and the flexible one; null without a reference. */
  strict: boolean | null;
  flexible: boolean | null;
};

/** @param reference the worked solution ending in `#### 72`, its bare number, or null */
export function parseWorkedAnswer(text: string, reference: string | null): WorkedAnswer {
  const scored = reference !== null && hasAnswer(reference) ? reference : null;
  const { strict, flexible } = scored === null ? { strict: null, flexible: null } : scoreGsm8k(text, scored);
  const steps = parseSteps(text);
  const lines: Piece[][] = [];
  let at = 0;
  for (const line of text.split("\n")) {
    const end = at + line.length;
    const inside = steps.filter((step) => step.start >= at && step.end <= end);
    const pieces: Piece[] = [];
    let from = at;
    for (const step of inside) {
      if (step.start > from) pieces.push({ kind: "text", text: text.slice(from, step.start) });
      const isMended = !step.right && Number.isFinite(step.value) && step.value !== step.claimed;
      pieces.push({ kind: "step", text: step.text, isRight: step.right, value: isMended ? step.value : null });
      from = step.end;
    }
    const rest = text.slice(from, end);
    const final = /^####(?!#) *(.*)$/.exec(rest);
    if (final && from === at) pieces.push({ kind: "final", text: final[1] ?? "", isRight: strict });
    else if (rest !== "") pieces.push({ kind: "text", text: rest });
    lines.push(pieces);
    at = end + 1;
  }
  while (lines.length > 0 && lines.at(-1)?.length === 0) lines.pop();
  return { lines, steps: steps.length, rightSteps: steps.filter(({ right }) => right).length, strict, flexible };
}

/**
 * What a reasoning model thought before it answered: what stands in `<think>` … `</think>`, or before a `</think>` whose
 * beginning is in the prompt. While it is thought, nothing is said yet.
 */
export function splitThinking(text: string): { thinking: string; isOver: boolean; said: string } {
  const begins = /^\s*<think>\n?/.exec(text);
  const end = text.indexOf("</think>");
  if (end < 0) {
    return begins
      ? { thinking: text.slice(begins[0].length), isOver: false, said: "" }
      : { thinking: "", isOver: true, said: text };
  }
  const thinking = text.slice(begins?.[0].length ?? 0, end).trim();
  return { thinking, isOver: true, said: text.slice(end + "</think>".length) };
}

/** @file The steps of a worked solution: each `<<a∘b=c>>` read and checked by arithmetic. */

import { evaluateArithmetic } from "./arithmetic";

export type Step = {
  /** Between the brackets, as written. */
  text: string;
  /** Where the brackets stand in the whole text, [start, end). */
  start: number;
  end: number;
  /** What is to be computed, as written. */
  left: string;
  /** Its value; NaN where it cannot be read. */
  value: number;
  /** What the text says it is; NaN where it cannot be read. */
  claimed: number;
  right: boolean;
};

/** Equal but for floating point; or rounded to the decimals the claim is written with, where it is written with some. */
function isRight(value: number, claimed: number, written: string): boolean {
  if (Math.abs(value - claimed) <= 1e-9 * Math.max(1, Math.abs(value))) return true;
  const decimals = /\.(\d+)\D*$/.exec(written)?.[1]?.length ?? 0;
  return decimals > 0 && Math.abs(value - claimed) <= 0.5 * 10 ** -decimals * (1 + 1e-9);
}

/** Every step in order. In a chain a=b=c the last claim and each one between must hold. */
export function parseSteps(text: string): Step[] {
  return [...text.matchAll(/<<([^<>\n]{1,200})>>/g)].map((match): Step => {
    const inside = match[1] ?? "";
    const [left = "", ...claims] = inside.split("=");
    const value = evaluateArithmetic(left);
    const last = claims.at(-1) ?? "";
    const right = claims.length > 0 && claims.every((claim) => isRight(value, evaluateArithmetic(claim), claim));
    const start = match.index;
    return { text: inside, start, end: start + match[0].length, left, value, claimed: evaluateArithmetic(last), right };
  });
}

/** Share of the written steps that are right; null where none is written. */
export function validShare(text: string): number | null {
  const steps = parseSteps(text);
  return steps.length === 0 ? null : steps.filter(({ right }) => right).length / steps.length;
}

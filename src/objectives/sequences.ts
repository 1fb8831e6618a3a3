/** @file Sequences that lie end to end, and what their numbers are checked for before a loss is made of them. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";

/** Plain or typed, read only. */
export type Numbers = ArrayLike<number>;

/** Throws `bug` where `numbers` does not hold `length` of them: a caller's mistake. */
export function requireLength(name: string, numbers: Numbers, length: number): void {
  if (numbers.length === length) return;
  throw new StudioError("bug", say`${name}: ${numbers.length} numbers where there should be ${length}`);
}

/** The number of sequences; throws `bug` where `bounds` [S+1] does not rise from 0 to the number of tokens. */
export function sequencesIn(bounds: Numbers, tokens: number): number {
  const S = bounds.length - 1;
  let isRising = bounds[0] === 0 && bounds[S] === tokens;
  for (let s = 0; s < S; s++) isRising &&= (bounds[s + 1] ?? -1) >= (bounds[s] ?? 0);
  if (isRising) return S;
  throw new StudioError("bug", say`The bounds of ${S} sequences do not rise from 0 to ${tokens}`);
}

/** Throws `run.diverged` at the first number that is none, with the sequence and the token where it stands. */
export function requireFinite(name: string, numbers: Numbers, bounds: Numbers | null = null): void {
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] ?? Number.NaN;
    if (Number.isFinite(number)) continue;
    if (!bounds) throw new StudioError("run.diverged", say`Sequence ${i + 1}: ${name} is ${number}`);
    const s = sequenceOf(i, bounds);
    const token = i - (bounds[s] ?? 0) + 1;
    throw new StudioError("run.diverged", say`Sequence ${s + 1}, token ${token}: ${name} is ${number}`);
  }
}

function sequenceOf(token: number, bounds: Numbers): number {
  let s = 0;
  while ((bounds[s + 1] ?? Number.POSITIVE_INFINITY) <= token) s++;
  return s;
}

/** A number a sequence [S], given to each of its tokens [M]. */
export function spread(perSequence: Numbers, bounds: Numbers): Float32Array {
  const S = sequencesIn(bounds, bounds[bounds.length - 1] ?? 0);
  requireLength("One number a sequence", perSequence, S);
  const tokens = new Float32Array(bounds[S] ?? 0);
  for (let s = 0; s < S; s++) tokens.fill(perSequence[s] ?? Number.NaN, bounds[s], bounds[s + 1]);
  return tokens;
}

/** Each sequence's sum, [S]. */
export function sumsOf(tokens: Numbers, bounds: Numbers): Float64Array {
  const S = sequencesIn(bounds, tokens.length);
  const sums = new Float64Array(S);
  for (let s = 0; s < S; s++) {
    let sum = 0;
    for (let i = bounds[s] ?? 0; i < (bounds[s + 1] ?? 0); i++) sum += tokens[i] ?? Number.NaN;
    sums[s] = sum;
  }
  return sums;
}

/** Each sequence's tokens, [S]. */
export const lengthsOf = (bounds: Numbers): Float64Array =>
  Float64Array.from({ length: Math.max(bounds.length - 1, 0) }, (_, s) => (bounds[s + 1] ?? 0) - (bounds[s] ?? 0));

/**
 * @file From one row of logits to a token: temperature, top-k, top-p, min-p, in transformers' order.
 *
 * The filters keep the beginning of one order (the larger logit first, the lower id first among equals). The draw then
 * goes through what is kept in the order of the ids. The graphics card does the very same (sampleTokens.ts), so that
 * one draw gives one token everywhere, but for rounding.
 */

import type { Sampling } from "../core/engine";

/** Below exp of this a chance is none: a graphics card may take a smaller float for zero. */
export const leastExponent = -87;
/** The largest float below 1. */
export const largestDraw = 1 - 2 ** -24;

export type Filters = Pick<Sampling, "temperature" | "topK" | "topP" | "minP">;

/**
 * The next token's id from logits [V] and a draw in [0, 1); draws outside are moved to its ends. At temperature 0 the
 * likeliest, the lowest id among equals; so too where no logit is finite.
 */
export function sampleRow(logits: Float32Array, filters: Filters, draw: number): number {
  const { temperature, topK, topP, minP } = filters;
  const likeliest = argmax(logits);
  if (temperature <= 0) return likeliest;
  const top = logits[likeliest] ?? 0;
  const border = topK > 0 || topP < 1 ? borderOf(logits, top, filters) : { least: -Infinity, places: logits.length };
  const bound = leastBelow(filters);
  let places = border.places;
  let total = 0;
  const chances = logits.length <= scratch.length ? scratch : (scratch = new Float64Array(logits.length));
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] ?? 0;
    const below = Math.fround(logit - top);
    const isKept = logit > border.least || (logit === border.least && places-- > 0);
    const chance = isKept && (minP <= 0 || below >= bound) ? chanceOf(below, temperature) : 0;
    chances[i] = chance;
    total += chance;
  }
  let left = Math.min(Math.max(draw, 0), largestDraw) * total;
  let last = likeliest;
  for (let i = 0; i < logits.length; i++) {
    const chance = chances[i] ?? 0;
    if (chance <= 0) continue;
    last = i;
    left -= chance;
    if (left < 0) break;
  }
  return last;
}

let scratch = new Float64Array(0);

function chanceOf(below: number, temperature: number): number {
  const exponent = below / temperature;
  return exponent >= leastExponent ? Math.exp(exponent) : 0;
}

/** Min-p keeps p ≥ minP · (the largest p): the logits at least this much (≤ 0) from the largest. */
export function leastBelow({ temperature, minP }: Filters): number {
  return Math.fround(Math.max(-3.4e38, temperature * Math.log(minP)));
}

/** The smallest logit that top-k and top-p keep, and how many of those equal to it. */
function borderOf(logits: Float32Array, top: number, { temperature, topK, topP }: Filters) {
  const sorted = logits.slice().sort().reverse();
  let kept = topK > 0 ? Math.min(topK, sorted.length) : sorted.length;
  if (topP < 1) {
    const chances = new Float64Array(kept);
    let all = 0;
    for (let i = 0; i < kept; i++) {
      const chance = chanceOf(Math.fround((sorted[i] ?? 0) - top), temperature);
      chances[i] = chance;
      all += chance;
    }
    // In floats, as the graphics card has it: where chances are alike the border may be met exactly.
    const wanted = Math.fround(Math.fround(topP) * Math.fround(all));
    // A token stays as long as those before it have not yet reached topP.
    let reached = chances[0] ?? 0;
    let n = 1;
    while (n < kept && reached < wanted) reached += chances[n++] ?? 0;
    kept = n;
  }
  const least = sorted[kept - 1] ?? 0;
  return { least, places: kept - sorted.indexOf(least) };
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  }
  return best;
}

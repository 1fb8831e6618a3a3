/** @file From logits to a token: temperature, then top-k, then top-p, in transformers' order. */

import type { Sampling } from "../core/engine";
import type { Random } from "../core/random";

export type { Sampling } from "../core/engine";

/** The next token's id from one row of logits [V]. The lowest id wins a tie. */
export function sampleToken(logits: Float32Array, { temperature, topK, topP }: Sampling, random: Random): number {
  if (temperature <= 0) return argmax(logits);
  if (topK > 0 || topP < 1) return sampleFew(logits, temperature, topK, topP, random);
  const top = logits[argmax(logits)] ?? 0;
  let total = 0;
  for (const logit of logits) total += Math.exp((logit - top) / temperature);
  let left = random.next() * total;
  for (let i = 0; i < logits.length; i++) {
    left -= Math.exp(((logits[i] ?? 0) - top) / temperature);
    if (left < 0) return i;
  }
  return logits.length - 1;
}

function sampleFew(logits: Float32Array, temperature: number, topK: number, topP: number, random: Random): number {
  const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const candidates = topK > 0 ? order.slice(0, topK) : order;
  const top = logits[candidates[0] ?? 0] ?? 0;
  const chances = candidates.map((id) => Math.exp(((logits[id] ?? 0) - top) / temperature));
  const all = chances.reduce((a, b) => a + b, 0);
  // A token stays as long as those before it have not yet reached topP.
  let reached = 0;
  let kept = 0;
  while (kept < chances.length && (kept === 0 || reached < topP * all)) reached += chances[kept++] ?? 0;
  let left = random.next() * reached;
  for (let i = 0; i < kept; i++) {
    left -= chances[i] ?? 0;
    if (left < 0) return candidates[i] ?? 0;
  }
  return candidates[kept - 1] ?? 0;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  }
  return best;
}

/** @file Which rows are trained on and which are held out, by seed; and the control whose answers are shuffled. */

import type { Example } from "../core/dataset";
import { StudioError } from "../core/errors";
import { newRandom, seedFor, shuffled } from "../core/random";
import { say } from "../core/say";

/** Row numbers in ascending order; no row is in both. A share above 0 holds out at least one of two rows, and never all. */
export function splitRows(
  count: number,
  share: number,
  seed: number,
): { train: Uint32Array<ArrayBuffer>; evaluation: Uint32Array<ArrayBuffer> } {
  const wanted = share > 0 ? Math.max(1, Math.round(count * share)) : 0;
  const held = Math.min(wanted, Math.max(0, count - 1));
  const order = shuffled(count, seedFor(seed, "split"));
  return { evaluation: order.slice(0, held).sort(), train: order.slice(held).sort() };
}

/**
 * The answers permuted among the questions so that none keeps its own: one random cycle (Sattolo's algorithm).
 * Throws `run.rows` where there are fewer than two rows.
 */
export function shuffleAnswers(examples: readonly Example[], seed: number): Example[] {
  if (examples.length < 2) throw new StudioError("run.rows", say`Shuffled answers need at least two rows`);
  const random = newRandom(seedFor(seed, "answers"));
  const order = examples.map((_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i);
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return examples.map(({ completion: _, finalStart: __, ...example }, i) => {
    const { completion = "", finalStart } = examples[order[i] ?? 0] ?? {}; // what marks an answer goes with it
    return { ...example, completion, ...(finalStart === undefined ? {} : { finalStart }) };
  });
}

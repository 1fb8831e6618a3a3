/** @file What each token of a worked solution counts, where its steps and its final answer have weights of their own. */

/** What a token belongs to: nothing that is trained, the steps of the solution, or its final answer. */
export const tokenParts = { none: 0, steps: 1, final: 2 } as const;

/** Tokens of each part in all micro-batches of an optimizer step. */
export type PartCounts = { steps: number; final: number };

export function countParts(parts: Uint8Array): PartCounts {
  const counts = { steps: 0, final: 0 };
  for (const part of parts) {
    if (part === tokenParts.steps) counts.steps++;
    if (part === tokenParts.final) counts.final++;
  }
  return counts;
}

/**
 * What each token's loss counts, [M], so that the sum over the window is L = w · L_steps + (1 − w) · L_final, each a mean
 * over its own tokens. A part without a token in the whole window leaves its share to the other, so that L stays a mean;
 * a share of 0 stays 0.
 */
export function stepWeights(parts: Uint8Array, window: PartCounts, w: number): Float32Array {
  const steps = window.steps > 0 ? w : 0;
  const final = window.final > 0 ? 1 - w : 0;
  const whole = steps + final;
  const ofStep = steps > 0 ? steps / whole / window.steps : 0;
  const ofFinal = final > 0 ? final / whole / window.final : 0;
  return Float32Array.from(parts, (part) =>
    part === tokenParts.steps ? ofStep : part === tokenParts.final ? ofFinal : 0,
  );
}

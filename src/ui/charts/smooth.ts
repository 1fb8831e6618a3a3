/** @file Smoothing of a noisy curve, as TensorBoard does it. */

/**
 * Debiased exponential moving average: sₜ = w·sₜ₋₁ + (1−w)·yₜ, shown as sₜ / (1−wᵗ), so that it starts at y₁ and is not
 * drawn to 0 (Adam's bias correction). Entries that are not finite leave the average as it was and are NaN themselves.
 * @param weight 0 (none) to below 1
 */
export function smooth(ys: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(ys.length);
  let sum = 0;
  let bias = 1;
  for (let i = 0; i < ys.length; i++) {
    const y = ys[i] ?? Number.NaN;
    if (!Number.isFinite(y)) {
      out[i] = Number.NaN;
      continue;
    }
    sum = weight * sum + (1 - weight) * y;
    bias *= weight;
    out[i] = sum / (1 - bias);
  }
  return out;
}

/** @file The logistic function and its logarithm, exact where exp() would overflow or lose its digits. */

/** σ(z) */
export const sigmoid = (z: number): number => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));

/** −log σ(z) */
export const negativeLogSigmoid = (z: number): number => Math.log1p(Math.exp(-Math.abs(z))) + Math.max(-z, 0);

/** @file Cross-entropy and entropy of rows of logits: crossEntropy.ts and entropy.ts. */

import { address, word } from "./args";
import { exp1, exp4, fma, log1, maxLanes, splat, sumLanes } from "./simd";

function largest(row: usize, cols: i32): f32 {
  let top = splat(load<f32>(row));
  let i = 0;
  for (; i + 4 <= cols; i += 4) top = f32x4.pmax(top, v128.load(row + (<usize>i << 2)));
  let best = maxLanes(top);
  for (; i < cols; i++) best = max(best, load<f32>(row + (<usize>i << 2)));
  return best;
}

function sumOfExp(row: usize, cols: i32, top: f32): f32 {
  const shift = splat(top);
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= cols; i += 4) sum = f32x4.add(sum, exp4(f32x4.sub(v128.load(row + (<usize>i << 2)), shift)));
  let total = sumLanes(sum);
  for (; i < cols; i++) total += exp1(load<f32>(row + (<usize>i << 2)) - top);
  return total;
}

/** Σ exp(x) · x over a row, x = logit − top. */
function weightedSum(row: usize, cols: i32, top: f32): f32 {
  const shift = splat(top), floor = splat(-1e4); // −∞ weighs nothing, but not NaN
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= cols; i += 4) {
    const x = f32x4.pmax(floor, f32x4.sub(v128.load(row + (<usize>i << 2)), shift));
    sum = fma(exp4(x), x, sum);
  }
  let all = sumLanes(sum);
  for (; i < cols; i++) {
    const x = max<f32>(<f32>-1e4, load<f32>(row + (<usize>i << 2)) - top);
    all += exp1(x) * x;
  }
  return all;
}

/** out, logits, rows, cols */
export function entropy(args: usize, piece: i32): void {
  const cols = word(args, 3);
  const end = min(word(args, 2), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const logits = address(args, 1) + (<usize>(row * cols) << 2);
    const top = largest(logits, cols);
    const sum = sumOfExp(logits, cols, top);
    store<f32>(address(args, 0) + (<usize>row << 2), log1(sum) - weightedSum(logits, cols, top) / sum);
  }
}

/** out, logits, dy, rows, cols */
export function entropyBack(args: usize, piece: i32): void {
  const cols = word(args, 4);
  const end = min(word(args, 3), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    const logits = address(args, 1) + offset, out = address(args, 0) + offset;
    const top = largest(logits, cols);
    const sum = sumOfExp(logits, cols, top);
    const mean = weightedSum(logits, cols, top) / sum;
    const scale = load<f32>(address(args, 2) + (<usize>row << 2)) / sum;
    for (let i = 0; i < cols; i++) {
      const at = <usize>i << 2;
      const x = max<f32>(<f32>-1e4, load<f32>(logits + at) - top);
      store<f32>(out + at, scale * exp1(x) * (mean - x));
    }
  }
}

/** out, logits, targets, weights, rows, cols */
export function crossEntropy(args: usize, piece: i32): void {
  const cols = word(args, 5);
  const end = min(word(args, 4), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const at = <usize>row << 2;
    const logits = address(args, 1) + (<usize>(row * cols) << 2);
    const top = largest(logits, cols);
    const lse = top + log1(sumOfExp(logits, cols, top));
    const picked = load<f32>(logits + (<usize>load<i32>(address(args, 2) + at) << 2));
    store<f32>(address(args, 0) + at, load<f32>(address(args, 3) + at) * (lse - picked));
  }
}

/** out, logits, targets, weights, dy, rows, cols */
export function crossEntropyBack(args: usize, piece: i32): void {
  const cols = word(args, 6);
  const end = min(word(args, 5), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const at = <usize>row << 2;
    const offset = <usize>(row * cols) << 2;
    const logits = address(args, 1) + offset, out = address(args, 0) + offset;
    const top = largest(logits, cols);
    const weight = load<f32>(address(args, 3) + at) * load<f32>(address(args, 4) + at);
    const scale = weight / sumOfExp(logits, cols, top);
    let i = 0;
    for (; i + 4 <= cols; i += 4) {
      const here = <usize>i << 2;
      v128.store(out + here, f32x4.mul(splat(scale), exp4(f32x4.sub(v128.load(logits + here), splat(top)))));
    }
    for (; i < cols; i++) {
      const here = <usize>i << 2;
      store<f32>(out + here, scale * exp1(load<f32>(logits + here) - top));
    }
    const target = out + (<usize>load<i32>(address(args, 2) + at) << 2);
    store<f32>(target, load<f32>(target) - weight);
  }
}

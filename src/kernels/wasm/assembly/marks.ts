/** @file Marks of the keys that carry logic, on rows of attention's scores: attentionMarked.ts. */

import { fma, splat, sumLanes } from "./simd";

/** Adds raise · m_j to the first `count` scores. */
// @ts-ignore: decorator
@inline
function raiseRow(row: usize, marked: usize, count: i32, raise: f32): void {
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const at = <usize>j << 2;
    v128.store(row + at, fma(f32x4.convert_i32x4_s(v128.load(marked + at)), splat(raise), v128.load(row + at)));
  }
  for (; j < count; j++) {
    const at = <usize>j << 2;
    store<f32>(row + at, load<f32>(row + at) + raise * <f32>load<i32>(marked + at));
  }
}

/** Sets the first `count` scores to −1e30 where there is no mark. */
// @ts-ignore: decorator
@inline
function hideRow(row: usize, marked: usize, count: i32): void {
  const hidden = splat(-1e30);
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const at = <usize>j << 2;
    const isHidden = i32x4.eq(v128.load(marked + at), i32x4.splat(0));
    v128.store(row + at, v128.bitselect(hidden, v128.load(row + at), isHidden));
  }
  for (; j < count; j++) {
    const at = <usize>j << 2;
    if (load<i32>(marked + at) == 0) store<f32>(row + at, -1e30);
  }
}

/**
 * The marks' part in scores 0 … own of a place that is itself the last of them: soft marks raise them by head h's number
 * at `bias`; hard ones, where there is no `bias`, hide what is not marked but the place itself.
 */
export function markRow(row: usize, marked: usize, own: i32, bias: usize, h: i32): void {
  if (bias) raiseRow(row, marked, own + 1, load<f32>(bias + (<usize>h << 2)));
  else hideRow(row, marked, own);
}

/** Σ_j p_j (dp_j − δ) m_j */
export function markSum(row: usize, pull: usize, marked: usize, count: i32, delta: f32): f32 {
  let sum = splat(0);
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const at = <usize>j << 2;
    const ds = f32x4.mul(v128.load(row + at), f32x4.sub(v128.load(pull + at), splat(delta)));
    sum = fma(ds, f32x4.convert_i32x4_s(v128.load(marked + at)), sum);
  }
  let total = sumLanes(sum);
  for (; j < count; j++) {
    const at = <usize>j << 2;
    total += load<f32>(row + at) * (load<f32>(pull + at) - delta) * <f32>load<i32>(marked + at);
  }
  return total;
}

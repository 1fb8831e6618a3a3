/** @file Soft caps, c · tanh(x / c), of logits and of attention's scores: softcap.ts. */

import { address, number, word } from "./args";
import { exp4, loadPart, splat, storePart } from "./simd";

/** c · tanh(x / c) = c − 2c / (1 + exp(2x / c)) */
// @ts-ignore: decorator
@inline
function cap4(x: v128, cap: f32): v128 {
  const e = exp4(f32x4.mul(x, splat(<f32>2 / cap)));
  return f32x4.sub(splat(cap), f32x4.div(splat(<f32>2 * cap), f32x4.add(splat(1.0), e)));
}

/** `count` numbers, which may stay where they are. */
export function capRow(out: usize, x: usize, count: i32, cap: f32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, cap4(v128.load(x + at), cap));
  }
  if (i < count) storePart(out + (<usize>i << 2), cap4(loadPart(x + (<usize>i << 2), count - i), cap), count - i);
}

/** 1 − (y / c)² of capped numbers. */
export function capSlopes(out: usize, y: usize, count: i32, cap: f32): void {
  const part = <f32>1 / (cap * cap);
  for (let i = 0; i < count; i++) {
    const at = <usize>i << 2;
    const value = load<f32>(y + at);
    store<f32>(out + at, <f32>1 - value * value * part);
  }
}

/** out, x, count, cap */
export function softcap(args: usize, piece: i32): void {
  const at = <usize>piece << 15;
  capRow(address(args, 0) + at, address(args, 1) + at, min(8192, word(args, 2) - piece * 8192), number(args, 3));
}

/** out, y, dy, count, cap */
export function softcapBack(args: usize, piece: i32): void {
  const at = <usize>piece << 15;
  const out = address(args, 0) + at, dy = address(args, 2) + at;
  const count = min(8192, word(args, 3) - piece * 8192);
  capSlopes(out, address(args, 1) + at, count, number(args, 4));
  for (let i = 0; i < count; i++) {
    const here = <usize>i << 2;
    store<f32>(out + here, load<f32>(out + here) * load<f32>(dy + here));
  }
}

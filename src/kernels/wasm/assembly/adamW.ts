/** @file AdamW over all trained numbers: adamW.ts. */

import { address, number, word } from "./args";
import { splat } from "./simd";

/** out [256], x, count, a multiple of 4 numbers a block: Σ x² of each block. In f64, as sums over millions lose in f32. */
export function squaresPartial(args: usize, piece: i32): void {
  const x = address(args, 1);
  const from = <u32>piece * <u32>word(args, 3);
  const count = <u32>word(args, 2);
  const end = min(count, from + <u32>word(args, 3));
  let low = f64x2.splat(0), high = f64x2.splat(0);
  let i = from;
  for (; i + 4 <= end; i += 4) {
    const four = v128.load(x + (<usize>i << 2));
    const a = f64x2.promote_low_f32x4(four);
    const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(four, four, 2, 3, 2, 3));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; i < end; i++) {
    const value = <f64>load<f32>(x + (<usize>i << 2));
    sum += value * value;
  }
  store<f32>(address(args, 0) + (<usize>piece << 2), <f32>sum);
}

/** The factor that clips a gradient whose squares' 256 partial sums are given; −1 where the norm is not finite. */
function clipFactor(squares: usize, limit: f32): f32 {
  let sum: f64 = 0;
  for (let i = 0; i < 256; i++) sum += <f64>load<f32>(squares + (<usize>i << 2));
  const norm = <f32>sqrt<f64>(sum);
  if (!isFinite<f32>(norm)) return -1;
  return limit > 0 ? min<f32>(1, limit / (norm + <f32>1e-6)) : 1;
}

/**
 * p, m, v (written over), p, m, v, g, squares, count, limit, beta1, 1 − beta1, beta2, 1 − beta2, rate, shrink,
 * correction, epsilon, the rate and shrink of the numbers from the next one on, its number
 */
export function adamWFlat(args: usize, piece: i32): void {
  const clip = clipFactor(address(args, 7), number(args, 9));
  if (clip < 0) return;
  const p = address(args, 0), m = address(args, 1), v = address(args, 2), g = address(args, 6);
  const beta1 = number(args, 10), part1 = number(args, 11) * clip;
  const beta2 = number(args, 12), part2 = number(args, 13);
  const correction = number(args, 16), epsilon = number(args, 17);
  const from = piece * 8192, end = min(word(args, 8), from + 8192);
  const fast = max(from, min(end, word(args, 20)));
  stepped(p, m, v, g, from, fast, clip, beta1, part1, beta2, part2, number(args, 14), number(args, 15), correction, epsilon);
  stepped(p, m, v, g, fast, end, clip, beta1, part1, beta2, part2, number(args, 18), number(args, 19), correction, epsilon);
}

/** The numbers from one on and before another. */
function stepped(
  p: usize, m: usize, v: usize, g: usize, from: i32, end: i32, clip: f32,
  beta1: f32, part1: f32, beta2: f32, part2: f32, rate: f32, shrink: f32, correction: f32, epsilon: f32,
): void {
  let i = from;
  for (; i + 4 <= end; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(g + at);
    const c = f32x4.mul(x, splat(clip));
    const newM = f32x4.add(f32x4.mul(v128.load(m + at), splat(beta1)), f32x4.mul(x, splat(part1)));
    const newV = f32x4.add(f32x4.mul(v128.load(v + at), splat(beta2)), f32x4.mul(f32x4.mul(c, c), splat(part2)));
    v128.store(m + at, newM);
    v128.store(v + at, newV);
    const spread = f32x4.add(f32x4.mul(f32x4.sqrt(f32x4.abs(newV)), splat(correction)), splat(epsilon));
    const change = f32x4.div(f32x4.mul(splat(rate), newM), spread);
    v128.store(p + at, f32x4.sub(f32x4.mul(v128.load(p + at), splat(shrink)), change));
  }
  for (; i < end; i++) {
    const at = <usize>i << 2;
    const x = load<f32>(g + at);
    const c = x * clip;
    const newM = load<f32>(m + at) * beta1 + x * part1;
    const newV = load<f32>(v + at) * beta2 + c * c * part2;
    store<f32>(m + at, newM);
    store<f32>(v + at, newV);
    const spread = sqrt<f32>(abs<f32>(newV)) * correction + epsilon;
    store<f32>(p + at, load<f32>(p + at) * shrink - (rate * newM) / spread);
  }
}

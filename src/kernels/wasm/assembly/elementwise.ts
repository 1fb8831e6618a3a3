/** @file Kernels that work on each number, or each row, alone. Their formulas are in the TypeScript files of their names. */

import { address, number, word } from "./args";
import { exp1, exp4, fma, loadPart, log1, maxLanes, sigmoid4, splat, storePart, sumLanes } from "./simd";

/** out = a + b */
function addRow(out: usize, a: usize, b: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, load<f32>(a + at) + load<f32>(b + at));
  }
}

/** out, a, b, count */
export function add(args: usize, piece: i32): void {
  const from = piece * 8192;
  const at = <usize>from << 2;
  addRow(address(args, 0) + at, address(args, 1) + at, address(args, 2) + at, min(word(args, 3) - from, 8192));
}

/** out, x, count, seed, least, scale */
export function dropout(args: usize, piece: i32): void {
  const out = address(args, 0), x = address(args, 1);
  const count = word(args, 2);
  const seed = <u32>word(args, 3), least = <u32>word(args, 4);
  const scale = number(args, 5);
  const end = min(count, (piece + 1) * 4096);
  for (let i = piece * 4096; i < end; i++) {
    const a = seed + (<u32>i + 1) * 0x6d2b79f5;
    let t = (a ^ (a >> 15)) * (a | 1);
    t ^= t + (t ^ (t >> 7)) * (t | 61);
    t ^= t >> 14;
    const at = <usize>i << 2;
    store<f32>(out + at, t >= least ? load<f32>(x + at) * scale : 0);
  }
}

/** dy · b · σ(x) · (1 + x · (1 − σ(x))), where s is σ(x). */
// @ts-ignore: decorator
@inline
function slopeOf(x: v128, s: v128, b: v128, dy: v128): v128 {
  const one = splat(1.0);
  return f32x4.mul(f32x4.mul(dy, b), f32x4.mul(s, f32x4.add(one, f32x4.mul(x, f32x4.sub(one, s)))));
}

/** out, x, N, F, rows a piece: of each row of x, the first half is the gate. */
export function swiglu(args: usize, piece: i32): void {
  const F = word(args, 3), rows = word(args, 4);
  const half = <usize>F << 2;
  const end = min(word(args, 2), (piece + 1) * rows);
  for (let row = piece * rows; row < end; row++) {
    const out = address(args, 0) + <usize>row * half;
    const a = address(args, 1) + <usize>row * 2 * half;
    const b = a + half;
    let i = 0;
    for (; i + 4 <= F; i += 4) {
      const at = <usize>i << 2;
      const x = v128.load(a + at);
      v128.store(out + at, f32x4.mul(f32x4.mul(x, sigmoid4(x)), v128.load(b + at)));
    }
    if (i < F) {
      const at = <usize>i << 2, n = F - i;
      const x = loadPart(a + at, n);
      storePart(out + at, f32x4.mul(f32x4.mul(x, sigmoid4(x)), loadPart(b + at, n)), n);
    }
  }
}

/** out, x, dy, N, F, rows a piece */
export function swigluBack(args: usize, piece: i32): void {
  const F = word(args, 4), rows = word(args, 5);
  const half = <usize>F << 2;
  const end = min(word(args, 3), (piece + 1) * rows);
  for (let row = piece * rows; row < end; row++) {
    const da = address(args, 0) + <usize>row * 2 * half;
    const a = address(args, 1) + <usize>row * 2 * half;
    const d = address(args, 2) + <usize>row * half;
    let i = 0;
    for (; i + 4 <= F; i += 4) {
      const at = <usize>i << 2;
      const x = v128.load(a + at), dy = v128.load(d + at);
      const s = sigmoid4(x);
      v128.store(da + at, slopeOf(x, s, v128.load(a + half + at), dy));
      v128.store(da + half + at, f32x4.mul(dy, f32x4.mul(x, s)));
    }
    if (i < F) {
      const at = <usize>i << 2, n = F - i;
      const x = loadPart(a + at, n), dy = loadPart(d + at, n);
      const s = sigmoid4(x);
      storePart(da + at, slopeOf(x, s, loadPart(a + half + at, n), dy), n);
      storePart(da + half + at, f32x4.mul(dy, f32x4.mul(x, s)), n);
    }
  }
}

/** Σ a · b of one row. */
function dotRow(a: usize, b: usize, cols: i32): f32 {
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= cols; i += 4) {
    const at = <usize>i << 2;
    sum = fma(v128.load(a + at), v128.load(b + at), sum);
  }
  const at = <usize>i << 2;
  if (i < cols) sum = fma(loadPart(a + at, cols - i), loadPart(b + at, cols - i), sum);
  return sumLanes(sum);
}

/** 1 / √(mean(x²) + eps) of one row. */
// @ts-ignore: decorator
@inline
function inverseRms(x: usize, cols: i32, eps: f32): f32 {
  return <f32>1 / sqrt<f32>(dotRow(x, x, cols) / <f32>cols + eps);
}

/** One row of y = x · r · g. */
function normRow(out: usize, x: usize, g: usize, cols: i32, eps: f32): void {
  const r = inverseRms(x, cols, eps);
  const scale = splat(r);
  let i = 0;
  for (; i + 4 <= cols; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, f32x4.mul(f32x4.mul(v128.load(x + at), scale), v128.load(g + at)));
  }
  for (; i < cols; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, load<f32>(x + at) * r * load<f32>(g + at));
  }
}

/** One row of dx = r · (dy·g − x · r² · mean(dy·g·x)). */
function normBackRow(out: usize, x: usize, g: usize, dy: usize, cols: i32, eps: f32): void {
  const r = inverseRms(x, cols, eps);
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= cols; i += 4) {
    const at = <usize>i << 2;
    sum = fma(f32x4.mul(v128.load(dy + at), v128.load(g + at)), v128.load(x + at), sum);
  }
  let total = sumLanes(sum);
  for (; i < cols; i++) {
    const at = <usize>i << 2;
    total += load<f32>(dy + at) * load<f32>(g + at) * load<f32>(x + at);
  }
  const m = r * r * (total / <f32>cols);
  const scale = splat(r), pull = splat(-m);
  for (i = 0; i + 4 <= cols; i += 4) {
    const at = <usize>i << 2;
    const dyg = f32x4.mul(v128.load(dy + at), v128.load(g + at));
    v128.store(out + at, f32x4.mul(scale, fma(v128.load(x + at), pull, dyg)));
  }
  for (; i < cols; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, r * (load<f32>(dy + at) * load<f32>(g + at) - load<f32>(x + at) * m));
  }
}

/** out, x, g, rows, cols, eps */
export function rmsNorm(args: usize, piece: i32): void {
  const cols = word(args, 4);
  const end = min(word(args, 3), (piece + 1) * 64);
  for (let row = piece * 64; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    normRow(address(args, 0) + offset, address(args, 1) + offset, address(args, 2), cols, number(args, 5));
  }
}

/** out, x, g, dy, rows, cols, eps */
export function rmsNormBack(args: usize, piece: i32): void {
  const cols = word(args, 5);
  const end = min(word(args, 4), (piece + 1) * 64);
  for (let row = piece * 64; row < end; row++) {
    const at = <usize>(row * cols) << 2;
    const dy = address(args, 3) + at;
    normBackRow(address(args, 0) + at, address(args, 1) + at, address(args, 2), dy, cols, number(args, 6));
  }
}

/** sum, y, x, r, g, rows, cols, eps */
export function addRmsNorm(args: usize, piece: i32): void {
  const cols = word(args, 6);
  const end = min(word(args, 5), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const at = <usize>(row * cols) << 2;
    const sum = address(args, 0) + at;
    addRow(sum, address(args, 2) + at, address(args, 3) + at, cols);
    normRow(address(args, 1) + at, sum, address(args, 4), cols, number(args, 7));
  }
}

/** out, sum, g, dy, dsum, rows, cols, eps */
export function addRmsNormBack(args: usize, piece: i32): void {
  const cols = word(args, 6);
  const end = min(word(args, 5), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const at = <usize>(row * cols) << 2;
    const out = address(args, 0) + at;
    normBackRow(out, address(args, 1) + at, address(args, 2), address(args, 3) + at, cols, number(args, 7));
    addRow(out, out, address(args, 4) + at, cols);
  }
}

/** out, x, dy, rows, cols, eps, rows a piece: row `piece` of out is the sum over the piece's rows of dy · x · r. */
export function rmsNormWeight(args: usize, piece: i32): void {
  const cols = word(args, 4), block = word(args, 6);
  const eps = number(args, 5);
  const out = address(args, 0) + (<usize>(piece * cols) << 2);
  memory.fill(out, 0, <usize>cols << 2);
  const end = min(word(args, 3), (piece + 1) * block);
  for (let row = piece * block; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    const x = address(args, 1) + offset, dy = address(args, 2) + offset;
    const r = inverseRms(x, cols, eps);
    const scale = splat(r);
    let i = 0;
    for (; i + 4 <= cols; i += 4) {
      const at = <usize>i << 2;
      const part = f32x4.mul(v128.load(dy + at), v128.load(x + at));
      v128.store(out + at, fma(part, scale, v128.load(out + at)));
    }
    for (; i < cols; i++) {
      const at = <usize>i << 2;
      store<f32>(out + at, load<f32>(out + at) + load<f32>(dy + at) * load<f32>(x + at) * r);
    }
  }
}

/** out, x, rows, cols: the sum of all rows; a piece is 256 columns. */
export function sumRows(args: usize, piece: i32): void {
  const cols = word(args, 3);
  const count = min(cols - piece * 256, 256);
  const out = address(args, 0) + (<usize>piece << 10);
  memory.fill(out, 0, <usize>count << 2);
  for (let row = 0; row < word(args, 2); row++) {
    addRow(out, out, address(args, 1) + (<usize>(row * cols + piece * 256) << 2), count);
  }
}

/** out, x, index, count, cols */
export function takeRows(args: usize, piece: i32): void {
  const out = address(args, 0), x = address(args, 1), index = address(args, 2);
  const bytes = <usize>word(args, 4) << 2;
  const end = min(word(args, 3), (piece + 1) * 64);
  for (let i = piece * 64; i < end; i++) {
    const row = <usize>load<i32>(index + (<usize>i << 2));
    memory.copy(out + <usize>i * bytes, x + row * bytes, bytes);
  }
}

/** out, dy, index, count, cols, rows, rows a piece: a piece makes its own range of rows. */
export function rowsBack(args: usize, piece: i32): void {
  const out = address(args, 0), dy = address(args, 1), index = address(args, 2);
  const cols = word(args, 4);
  const first = piece * word(args, 6);
  const end = min(word(args, 5), first + word(args, 6));
  if (first >= end) return;
  const bytes = <usize>cols << 2;
  memory.fill(out + <usize>first * bytes, 0, <usize>(end - first) * bytes);
  for (let i = 0; i < word(args, 3); i++) {
    const row = load<i32>(index + (<usize>i << 2));
    if (row < first || row >= end) continue;
    const to = out + <usize>row * bytes;
    addRow(to, to, dy + <usize>i * bytes, cols);
  }
}

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
 * correction, epsilon
 */
export function adamWFlat(args: usize, piece: i32): void {
  const clip = clipFactor(address(args, 7), number(args, 9));
  if (clip < 0) return;
  const p = address(args, 0), m = address(args, 1), v = address(args, 2), g = address(args, 6);
  const beta1 = number(args, 10), part1 = number(args, 11) * clip;
  const beta2 = number(args, 12), part2 = number(args, 13);
  const rate = number(args, 14), shrink = number(args, 15), correction = number(args, 16), epsilon = number(args, 17);
  const end = min(word(args, 8), (piece + 1) * 8192);
  let i = piece * 8192;
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

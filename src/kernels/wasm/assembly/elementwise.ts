/** @file Kernels that work on each number, or each row, alone. Their formulas are in the TypeScript files of their names. */

import { exp1, exp4, fma, loadPart, log1, maxLanes, sigmoid4, splat, storePart, sumLanes } from "./simd";

// @ts-ignore: decorator
@inline
function word(args: usize, i: usize): i32 {
  return load<i32>(args + (i << 2));
}
// @ts-ignore: decorator
@inline
function address(args: usize, i: usize): usize {
  return load<usize>(args + (i << 2));
}
// @ts-ignore: decorator
@inline
function number(args: usize, i: usize): f32 {
  return load<f32>(args + (i << 2));
}

/** out, a, b, count */
export function add(args: usize, piece: i32): void {
  const out = address(args, 0), a = address(args, 1), b = address(args, 2);
  const count = word(args, 3);
  const end = min(count, (piece + 1) * 8192);
  let i = piece * 8192;
  for (; i + 4 <= end; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
  }
  for (; i < end; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, load<f32>(a + at) + load<f32>(b + at));
  }
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

/** out = a · σ(a) · b: out, a, b, count */
export function swiglu(args: usize, piece: i32): void {
  const out = address(args, 0), a = address(args, 1), b = address(args, 2);
  const end = min(word(args, 3), (piece + 1) * 4096);
  for (let i = piece * 4096; i < end; i += 4) {
    const at = <usize>i << 2;
    if (i + 4 <= end) {
      const x = v128.load(a + at);
      v128.store(out + at, f32x4.mul(f32x4.mul(x, sigmoid4(x)), v128.load(b + at)));
    } else {
      const x = loadPart(a + at, end - i);
      storePart(out + at, f32x4.mul(f32x4.mul(x, sigmoid4(x)), loadPart(b + at, end - i)), end - i);
    }
  }
}

// @ts-ignore: decorator
@inline
function gateSlope(x: v128, b: v128, dy: v128): v128 {
  const s = sigmoid4(x);
  const one = splat(1.0);
  return f32x4.mul(f32x4.mul(dy, b), f32x4.mul(s, f32x4.add(one, f32x4.mul(x, f32x4.sub(one, s)))));
}

/** out, a, b, dy, count */
export function swigluGate(args: usize, piece: i32): void {
  const out = address(args, 0), a = address(args, 1), b = address(args, 2), dy = address(args, 3);
  const end = min(word(args, 4), (piece + 1) * 4096);
  for (let i = piece * 4096; i < end; i += 4) {
    const at = <usize>i << 2;
    if (i + 4 <= end) {
      v128.store(out + at, gateSlope(v128.load(a + at), v128.load(b + at), v128.load(dy + at)));
    } else {
      const n = end - i;
      storePart(out + at, gateSlope(loadPart(a + at, n), loadPart(b + at, n), loadPart(dy + at, n)), n);
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

/** out, x, g, rows, cols, eps */
export function rmsNorm(args: usize, piece: i32): void {
  const cols = word(args, 4);
  const g = address(args, 2);
  const eps = number(args, 5);
  const end = min(word(args, 3), (piece + 1) * 64);
  for (let row = piece * 64; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    const x = address(args, 1) + offset, out = address(args, 0) + offset;
    const r = <f32>1 / sqrt<f32>(dotRow(x, x, cols) / <f32>cols + eps);
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
}

/** out, x, g, dy, rows, cols, eps */
export function rmsNormBack(args: usize, piece: i32): void {
  const cols = word(args, 5);
  const g = address(args, 2);
  const eps = number(args, 6);
  const end = min(word(args, 4), (piece + 1) * 64);
  for (let row = piece * 64; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    const x = address(args, 1) + offset, dy = address(args, 3) + offset, out = address(args, 0) + offset;
    const r = <f32>1 / sqrt<f32>(dotRow(x, x, cols) / <f32>cols + eps);
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

/** out, dy, index, count, cols, rows */
export function rowsBack(args: usize, _piece: i32): void {
  const out = address(args, 0), dy = address(args, 1), index = address(args, 2);
  const count = word(args, 3), cols = word(args, 4);
  memory.fill(out, 0, (<usize>cols * <usize>word(args, 5)) << 2);
  for (let i = 0; i < count; i++) {
    const to = out + (<usize>(load<i32>(index + (<usize>i << 2)) * cols) << 2);
    const from = dy + (<usize>(i * cols) << 2);
    for (let c = 0; c < cols; c++) {
      const at = <usize>c << 2;
      store<f32>(to + at, load<f32>(to + at) + load<f32>(from + at));
    }
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

/** out, m, g, count, beta, part */
export function adamMoment(args: usize, piece: i32): void {
  const out = address(args, 0), m = address(args, 1), g = address(args, 2);
  const beta = number(args, 4), part = number(args, 5);
  const end = min(word(args, 3), (piece + 1) * 8192);
  for (let i = piece * 8192; i < end; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, load<f32>(m + at) * beta + load<f32>(g + at) * part);
  }
}

/** out, v, g, count, beta, part */
export function adamVariance(args: usize, piece: i32): void {
  const out = address(args, 0), v = address(args, 1), g = address(args, 2);
  const beta = number(args, 4), part = number(args, 5);
  const end = min(word(args, 3), (piece + 1) * 8192);
  for (let i = piece * 8192; i < end; i++) {
    const at = <usize>i << 2;
    const x = load<f32>(g + at);
    store<f32>(out + at, load<f32>(v + at) * beta + x * x * part);
  }
}

/** out, p, m, v, count, rate, shrink, correction, epsilon */
export function adamStep(args: usize, piece: i32): void {
  const out = address(args, 0), p = address(args, 1), m = address(args, 2), v = address(args, 3);
  const rate = number(args, 5), shrink = number(args, 6), correction = number(args, 7), epsilon = number(args, 8);
  const end = min(word(args, 4), (piece + 1) * 8192);
  for (let i = piece * 8192; i < end; i++) {
    const at = <usize>i << 2;
    const spread = sqrt<f32>(abs<f32>(load<f32>(v + at))) * correction + epsilon;
    store<f32>(out + at, load<f32>(p + at) * shrink - (rate * load<f32>(m + at)) / spread);
  }
}

/** out, x, count */
export function sumOfSquares(args: usize, _piece: i32): void {
  const x = address(args, 1);
  const count = word(args, 2);
  let sum: f64 = 0;
  for (let i = 0; i < count; i++) {
    const value = <f64>load<f32>(x + (<usize>i << 2));
    sum += value * value;
  }
  store<f32>(address(args, 0), <f32>sum);
}

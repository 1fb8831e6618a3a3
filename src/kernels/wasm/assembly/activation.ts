/** @file Gates and activations: swiglu.ts and gelu.ts. */

import { address, word } from "./args";
import { fma, loadPart, sigmoid4, splat, storePart } from "./simd";

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

/** σ(2u), u = √(2/π) · (x + 0.044715 x³): gelu(x) = x · σ(2u), as tanh(u) = 2σ(2u) − 1. */
// @ts-ignore: decorator
@inline
function geluGate(x: v128): v128 {
  const cubed = fma(f32x4.mul(f32x4.mul(x, x), x), splat(0.044715), x);
  return sigmoid4(f32x4.mul(cubed, splat(1.5957691216057308)));
}

/** The slope of gelu at x, where s is geluGate(x): s + x · s · (1 − s) · (2u)′ */
// @ts-ignore: decorator
@inline
function geluSlope(x: v128, s: v128): v128 {
  const inner = f32x4.mul(fma(f32x4.mul(x, x), splat(0.134145), splat(1.0)), splat(1.5957691216057308));
  return fma(f32x4.mul(f32x4.mul(x, s), f32x4.sub(splat(1.0), s)), inner, s);
}

/** As loadPart and storePart, for loops that mostly have all four. */
// @ts-ignore: decorator
@inline
function load4(from: usize, count: i32): v128 {
  return count == 4 ? v128.load(from) : loadPart(from, count);
}

// @ts-ignore: decorator
@inline
function store4(to: usize, x: v128, count: i32): void {
  if (count == 4) v128.store(to, x);
  else storePart(to, x, count);
}

/** out, x, N, F, rows a piece: as swiglu, with gelu */
export function geglu(args: usize, piece: i32): void {
  const F = word(args, 3), rows = word(args, 4);
  const half = <usize>F << 2;
  const end = min(word(args, 2), (piece + 1) * rows);
  for (let row = piece * rows; row < end; row++) {
    const out = address(args, 0) + <usize>row * half;
    const a = address(args, 1) + <usize>row * 2 * half;
    const b = a + half;
    for (let i = 0; i < F; i += 4) {
      const at = <usize>i << 2, n = min(4, F - i);
      const x = load4(a + at, n);
      store4(out + at, f32x4.mul(f32x4.mul(x, geluGate(x)), load4(b + at, n)), n);
    }
  }
}

/** out, x, dy, N, F, rows a piece */
export function gegluBack(args: usize, piece: i32): void {
  const F = word(args, 4), rows = word(args, 5);
  const half = <usize>F << 2;
  const end = min(word(args, 3), (piece + 1) * rows);
  for (let row = piece * rows; row < end; row++) {
    const da = address(args, 0) + <usize>row * 2 * half;
    const a = address(args, 1) + <usize>row * 2 * half;
    const d = address(args, 2) + <usize>row * half;
    for (let i = 0; i < F; i += 4) {
      const at = <usize>i << 2, n = min(4, F - i);
      const x = load4(a + at, n), dy = load4(d + at, n);
      const s = geluGate(x);
      store4(da + at, f32x4.mul(f32x4.mul(dy, load4(a + half + at, n)), geluSlope(x, s)), n);
      store4(da + half + at, f32x4.mul(dy, f32x4.mul(x, s)), n);
    }
  }
}

/** out, x, count */
export function gelu(args: usize, piece: i32): void {
  const out = address(args, 0), from = address(args, 1);
  const end = min(word(args, 2), (piece + 1) * 8192);
  let i = piece * 8192;
  for (; i + 4 <= end; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(from + at);
    v128.store(out + at, f32x4.mul(x, geluGate(x)));
  }
  const at = <usize>i << 2;
  const x = loadPart(from + at, end - i);
  storePart(out + at, f32x4.mul(x, geluGate(x)), end - i);
}

/** out, x, dy, count */
export function geluBack(args: usize, piece: i32): void {
  const out = address(args, 0), from = address(args, 1), dy = address(args, 2);
  const end = min(word(args, 3), (piece + 1) * 8192);
  let i = piece * 8192;
  for (; i + 4 <= end; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(from + at);
    v128.store(out + at, f32x4.mul(v128.load(dy + at), geluSlope(x, geluGate(x))));
  }
  const at = <usize>i << 2;
  const x = loadPart(from + at, end - i);
  storePart(out + at, f32x4.mul(loadPart(dy + at, end - i), geluSlope(x, geluGate(x))), end - i);
}

/** out, x, count; a NaN stays one. */
export function relu(args: usize, piece: i32): void {
  const out = address(args, 0), x = address(args, 1);
  const end = min(word(args, 2), (piece + 1) * 8192);
  const zero = splat(0);
  let i = piece * 8192;
  for (; i + 4 <= end; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, f32x4.max(v128.load(x + at), zero));
  }
  const at = <usize>i << 2;
  if (i < end) storePart(out + at, f32x4.max(loadPart(x + at, end - i), zero), end - i);
}

/** out, y, dy, count: dy where y is positive */
export function reluBack(args: usize, piece: i32): void {
  const out = address(args, 0), y = address(args, 1), dy = address(args, 2);
  const end = min(word(args, 3), (piece + 1) * 8192);
  const zero = splat(0);
  let i = piece * 8192;
  for (; i + 4 <= end; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, v128.and(v128.load(dy + at), f32x4.gt(v128.load(y + at), zero)));
  }
  const at = <usize>i << 2, n = end - i;
  if (i < end) storePart(out + at, v128.and(loadPart(dy + at, n), f32x4.gt(loadPart(y + at, n), zero)), n);
}

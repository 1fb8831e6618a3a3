/** @file RMS norm of rows and of heads: rmsNorm.ts and headNorm.ts. */

import { address, number, word } from "./args";
import { addRow } from "./elementwise";
import { fma, loadPart, splat, sumLanes } from "./simd";

/** Σ a · b of one row: four sums side by side, since each waits for the addition before it. */
export function dotRow(a: usize, b: usize, cols: i32): f32 {
  let sum = splat(0), sum1 = splat(0), sum2 = splat(0), sum3 = splat(0);
  let i = 0;
  for (; i + 16 <= cols; i += 16) {
    const from = a + (<usize>i << 2), to = b + (<usize>i << 2);
    sum = fma(v128.load(from), v128.load(to), sum);
    sum1 = fma(v128.load(from, 16), v128.load(to, 16), sum1);
    sum2 = fma(v128.load(from, 32), v128.load(to, 32), sum2);
    sum3 = fma(v128.load(from, 48), v128.load(to, 48), sum3);
  }
  sum = f32x4.add(f32x4.add(sum, sum1), f32x4.add(sum2, sum3));
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
  let sum = splat(0), sum1 = splat(0);
  let i = 0;
  for (; i + 8 <= cols; i += 8) {
    const at = <usize>i << 2;
    sum = fma(f32x4.mul(v128.load(dy + at), v128.load(g + at)), v128.load(x + at), sum);
    sum1 = fma(f32x4.mul(v128.load(dy + at, 16), v128.load(g + at, 16)), v128.load(x + at, 16), sum1);
  }
  sum = f32x4.add(sum, sum1);
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

/** out += dy · x · r, one row */
function addNormed(out: usize, x: usize, dy: usize, cols: i32, r: f32): void {
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
    addNormed(out, x, dy, cols, r);
  }
}

/** out, x, g [2, D], tokens, H, K, D, eps: the heads of each token, queries by g's first row, keys by its second. */
export function headNorm(args: usize, piece: i32): void {
  const H = word(args, 4), K = word(args, 5), D = word(args, 6);
  const bytes = <usize>D << 2;
  const S = H + 2 * K;
  const end = min(word(args, 3), (piece + 1) * 16);
  for (let token = piece * 16; token < end; token++) {
    const offset = <usize>(token * S) * bytes;
    for (let h = 0; h < H + K; h++) {
      const at = offset + <usize>h * bytes;
      const g = address(args, 2) + (h < H ? 0 : bytes);
      normRow(address(args, 0) + at, address(args, 1) + at, g, D, number(args, 7));
    }
    const rest = offset + <usize>(H + K) * bytes;
    memory.copy(address(args, 0) + rest, address(args, 1) + rest, <usize>K * bytes);
  }
}

/** out, x, g [2, D], dy, tokens, H, K, D, eps */
export function headNormBack(args: usize, piece: i32): void {
  const H = word(args, 5), K = word(args, 6), D = word(args, 7);
  const bytes = <usize>D << 2;
  const S = H + 2 * K;
  const end = min(word(args, 4), (piece + 1) * 16);
  for (let token = piece * 16; token < end; token++) {
    const offset = <usize>(token * S) * bytes;
    for (let h = 0; h < H + K; h++) {
      const at = offset + <usize>h * bytes;
      const g = address(args, 2) + (h < H ? 0 : bytes);
      normBackRow(address(args, 0) + at, address(args, 1) + at, g, address(args, 3) + at, D, number(args, 8));
    }
    const rest = offset + <usize>(H + K) * bytes;
    memory.copy(address(args, 0) + rest, address(args, 3) + rest, <usize>K * bytes);
  }
}

/** out, x, dy, tokens, H, K, D, eps, tokens a piece: row `piece` of out holds the piece's sums over queries, then keys. */
export function headNormWeight(args: usize, piece: i32): void {
  const H = word(args, 4), K = word(args, 5), D = word(args, 6), block = word(args, 8);
  const bytes = <usize>D << 2;
  const out = address(args, 0) + 2 * <usize>piece * bytes;
  memory.fill(out, 0, 2 * bytes);
  const end = min(word(args, 3), (piece + 1) * block);
  for (let token = piece * block; token < end; token++) {
    const offset = <usize>(token * (H + 2 * K)) * bytes;
    for (let h = 0; h < H + K; h++) {
      const at = offset + <usize>h * bytes;
      const x = address(args, 1) + at;
      addNormed(out + (h < H ? 0 : bytes), x, address(args, 2) + at, D, inverseRms(x, D, number(args, 7)));
    }
  }
}

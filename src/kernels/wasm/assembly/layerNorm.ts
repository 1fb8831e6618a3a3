/** @file LayerNorm: layerNorm.ts. */

import { address, number, word } from "./args";
import { fma, loadPart, splat, sumLanes } from "./simd";

/** The mean of one row. */
// @ts-ignore: decorator
@inline
function meanOf(x: usize, cols: i32): f32 {
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= cols; i += 4) sum = f32x4.add(sum, v128.load(x + (<usize>i << 2)));
  if (i < cols) sum = f32x4.add(sum, loadPart(x + (<usize>i << 2), cols - i));
  return sumLanes(sum) / <f32>cols;
}

/** 1 / √(mean((x − mean)²) + eps) of one row. */
function inverseDeviation(x: usize, cols: i32, mean: f32, eps: f32): f32 {
  const m = splat(mean);
  let squares = splat(0);
  let i = 0;
  for (; i + 4 <= cols; i += 4) {
    const d = f32x4.sub(v128.load(x + (<usize>i << 2)), m);
    squares = fma(d, d, squares);
  }
  let sum = sumLanes(squares);
  for (; i < cols; i++) {
    const d = load<f32>(x + (<usize>i << 2)) - mean;
    sum += d * d;
  }
  return <f32>1 / sqrt<f32>(sum / <f32>cols + eps);
}

/** out, x, g, b, rows, cols, eps */
export function layerNorm(args: usize, piece: i32): void {
  const cols = word(args, 5);
  const g = address(args, 2), b = address(args, 3);
  const end = min(word(args, 4), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    const out = address(args, 0) + offset, x = address(args, 1) + offset;
    const mean = meanOf(x, cols);
    const r = inverseDeviation(x, cols, mean, number(args, 6));
    const m = splat(mean), scale = splat(r);
    let i = 0;
    for (; i + 4 <= cols; i += 4) {
      const at = <usize>i << 2;
      const n = f32x4.mul(f32x4.sub(v128.load(x + at), m), scale);
      v128.store(out + at, fma(n, v128.load(g + at), v128.load(b + at)));
    }
    for (; i < cols; i++) {
      const at = <usize>i << 2;
      store<f32>(out + at, (load<f32>(x + at) - mean) * r * load<f32>(g + at) + load<f32>(b + at));
    }
  }
}

/** One row of dx = r · (dy·g − mean(dy·g) − n · mean(dy·g·n)), n = (x − mean) · r. */
function backRow(out: usize, x: usize, g: usize, dy: usize, cols: i32, eps: f32): void {
  const mean = meanOf(x, cols);
  const r = inverseDeviation(x, cols, mean, eps);
  const m = splat(mean), scale = splat(r);
  let sums = splat(0), alongs = splat(0);
  let i = 0;
  for (; i + 4 <= cols; i += 4) {
    const at = <usize>i << 2;
    const d = f32x4.mul(v128.load(dy + at), v128.load(g + at));
    sums = f32x4.add(sums, d);
    alongs = fma(d, f32x4.sub(v128.load(x + at), m), alongs);
  }
  let sum = sumLanes(sums), along = sumLanes(alongs);
  for (; i < cols; i++) {
    const at = <usize>i << 2;
    const d = load<f32>(dy + at) * load<f32>(g + at);
    sum += d;
    along += d * (load<f32>(x + at) - mean);
  }
  sum /= <f32>cols;
  along *= (r * r) / <f32>cols; // of x − mean, where n would have r once
  const shift = splat(sum), pull = splat(-along);
  for (i = 0; i + 4 <= cols; i += 4) {
    const at = <usize>i << 2;
    const d = f32x4.sub(f32x4.mul(v128.load(dy + at), v128.load(g + at)), shift);
    v128.store(out + at, f32x4.mul(scale, fma(f32x4.sub(v128.load(x + at), m), pull, d)));
  }
  for (; i < cols; i++) {
    const at = <usize>i << 2;
    const d = load<f32>(dy + at) * load<f32>(g + at) - sum;
    store<f32>(out + at, r * (d - (load<f32>(x + at) - mean) * along));
  }
}

/** out, x, g, dy, rows, cols, eps */
export function layerNormBack(args: usize, piece: i32): void {
  const cols = word(args, 5);
  const end = min(word(args, 4), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const at = <usize>(row * cols) << 2;
    const dy = address(args, 3) + at;
    backRow(address(args, 0) + at, address(args, 1) + at, address(args, 2), dy, cols, number(args, 6));
  }
}

/** out, x, dy, rows, cols, eps, rows a piece: row `piece` of out is the sum over the piece's rows of dy · n. */
export function layerNormWeight(args: usize, piece: i32): void {
  const cols = word(args, 4), block = word(args, 6);
  const out = address(args, 0) + (<usize>(piece * cols) << 2);
  memory.fill(out, 0, <usize>cols << 2);
  const end = min(word(args, 3), (piece + 1) * block);
  for (let row = piece * block; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    const x = address(args, 1) + offset, dy = address(args, 2) + offset;
    const mean = meanOf(x, cols);
    const r = inverseDeviation(x, cols, mean, number(args, 5));
    const m = splat(mean), scale = splat(r);
    let i = 0;
    for (; i + 4 <= cols; i += 4) {
      const at = <usize>i << 2;
      const n = f32x4.mul(f32x4.sub(v128.load(x + at), m), scale);
      v128.store(out + at, fma(v128.load(dy + at), n, v128.load(out + at)));
    }
    for (; i < cols; i++) {
      const at = <usize>i << 2;
      store<f32>(out + at, load<f32>(out + at) + load<f32>(dy + at) * (load<f32>(x + at) - mean) * r);
    }
  }
}

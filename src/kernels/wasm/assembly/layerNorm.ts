/** @file LayerNorm: layerNorm.ts. */

import { address, number, word } from "./args";
import { fma, loadPart, splat, sumLanes } from "./simd";

/** The mean of one row. Here and below four sums lie side by side, since each waits for the addition before it. */
function meanOf(x: usize, cols: i32): f32 {
  let sum = splat(0), sum1 = splat(0), sum2 = splat(0), sum3 = splat(0);
  let i = 0;
  for (; i + 16 <= cols; i += 16) {
    const from = x + (<usize>i << 2);
    sum = f32x4.add(sum, v128.load(from));
    sum1 = f32x4.add(sum1, v128.load(from, 16));
    sum2 = f32x4.add(sum2, v128.load(from, 32));
    sum3 = f32x4.add(sum3, v128.load(from, 48));
  }
  sum = f32x4.add(f32x4.add(sum, sum1), f32x4.add(sum2, sum3));
  for (; i + 4 <= cols; i += 4) sum = f32x4.add(sum, v128.load(x + (<usize>i << 2)));
  if (i < cols) sum = f32x4.add(sum, loadPart(x + (<usize>i << 2), cols - i));
  return sumLanes(sum) / <f32>cols;
}

/** (x − mean)², added to a sum of such. */
// @ts-ignore: decorator
@inline
function addSquare(sum: v128, x: v128, mean: v128): v128 {
  const d = f32x4.sub(x, mean);
  return fma(d, d, sum);
}

/** 1 / √(mean((x − mean)²) + eps) of one row. */
function inverseDeviation(x: usize, cols: i32, mean: f32, eps: f32): f32 {
  const m = splat(mean);
  let all = splat(0), all1 = splat(0), all2 = splat(0), all3 = splat(0);
  let i = 0;
  for (; i + 16 <= cols; i += 16) {
    const from = x + (<usize>i << 2);
    all = addSquare(all, v128.load(from), m);
    all1 = addSquare(all1, v128.load(from, 16), m);
    all2 = addSquare(all2, v128.load(from, 32), m);
    all3 = addSquare(all3, v128.load(from, 48), m);
  }
  all = f32x4.add(f32x4.add(all, all1), f32x4.add(all2, all3));
  for (; i + 4 <= cols; i += 4) all = addSquare(all, v128.load(x + (<usize>i << 2)), m);
  let sum = sumLanes(all);
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
  const m = splat(mean);
  let squares = splat(0), sums = splat(0), alongs = splat(0);
  let i = 0;
  for (; i + 4 <= cols; i += 4) {
    const at = <usize>i << 2;
    const dyg = f32x4.mul(v128.load(dy + at), v128.load(g + at));
    const d = f32x4.sub(v128.load(x + at), m);
    squares = fma(d, d, squares);
    sums = f32x4.add(sums, dyg);
    alongs = fma(dyg, d, alongs);
  }
  let square = sumLanes(squares), sum = sumLanes(sums), along = sumLanes(alongs);
  for (; i < cols; i++) {
    const at = <usize>i << 2;
    const dyg = load<f32>(dy + at) * load<f32>(g + at);
    const d = load<f32>(x + at) - mean;
    square += d * d;
    sum += dyg;
    along += dyg * d;
  }
  const r = <f32>1 / sqrt<f32>(square / <f32>cols + eps);
  sum /= <f32>cols;
  along *= (r * r) / <f32>cols; // of x − mean, where n would have r once
  const scale = splat(r);
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

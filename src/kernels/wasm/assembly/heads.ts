/** @file Kernels over attention heads: rotation, attention and its derivative. */

import { address, number, word } from "./args";
import { markRow, markSum } from "./marks";
import { product, PANEL } from "./product";
import { capRow, capSlopes } from "./softcap";
import { exp1, exp4, fma, splat, sumLanes, maxLanes } from "./simd";

/** Copies `half` pairs, turned by an angle whose cosines are at `table` and sines right after; sign −1 turns back. */
// @ts-ignore: decorator
@inline
function turn(to: usize, from: usize, table: usize, half: i32, sign: f32): void {
  const far = <usize>half << 2;
  let d = 0;
  for (; d + 4 <= half; d += 4) {
    const at = <usize>d << 2;
    const c = v128.load(table + at);
    const s = f32x4.mul(v128.load(table + far + at), splat(sign));
    const a = v128.load(from + at), b = v128.load(from + far + at);
    v128.store(to + at, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(to + far + at, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
  }
  for (; d < half; d++) {
    const at = <usize>d << 2;
    const c = load<f32>(table + at), s = load<f32>(table + far + at) * sign;
    const a = load<f32>(from + at), b = load<f32>(from + far + at);
    store<f32>(to + at, a * c - b * s);
    store<f32>(to + far + at, b * c + a * s);
  }
}

/** From token by token [B·T, S·D] to heads [B, S, T, D], or back; the first `rotated` heads are turned. */
// @ts-ignore: decorator
@inline
function turnStacked(args: usize, piece: i32, isBack: bool): void {
  const T = word(args, 5), S = word(args, 6), D = word(args, 7), rotated = word(args, 8), tokens = word(args, 9);
  const out = address(args, 0), x = address(args, 1);
  const bytes = <usize>D << 2;
  const end = min(word(args, 4), (piece + 1) * tokens);
  for (let token = piece * tokens; token < end; token++) {
    const angle = address(args, 3) + <usize>load<i32>(address(args, 2) + (<usize>token << 2)) * bytes;
    for (let head = 0; head < S; head++) {
      const stacked = <usize>(token * S + head) * bytes;
      const apart = <usize>(((token / T) * S + head) * T + (token % T)) * bytes;
      const to = out + (isBack ? stacked : apart), from = x + (isBack ? apart : stacked);
      if (head < rotated) turn(to, from, angle, D >> 1, isBack ? -1 : 1);
      else memory.copy(to, from, bytes);
    }
  }
}

/** out, x, positions, table, B·T, T, S, D, rotated, tokens a piece */
export function splitStacked(args: usize, piece: i32): void {
  turnStacked(args, piece, false);
}

/** out, dy, positions, table, B·T, T, S, D, rotated, tokens a piece */
export function mergeStacked(args: usize, piece: i32): void {
  turnStacked(args, piece, true);
}

/** Query rows taken at a time. */
const BLOCK: i32 = 48;

/** The first key that any of a block's rows sees: that of its first row, from which on `window` places are seen. */
// @ts-ignore: decorator
@inline
export function firstKey(from: i32, window: i32): i32 {
  return window == 0 ? 0 : max(0, from + 1 - window);
}

/** Scores of query rows from … from + rows with keys first … from + rows: [rows, width], in `to`. */
// @ts-ignore: decorator
@inline
function scoreBlock(
  to: usize, scratch: usize, q: usize, k: usize, from: i32, rows: i32, first: i32, D: i32, scale: f32, cap: f32,
): void {
  const width = from + rows - first;
  const at = k + (<usize>(first * D) << 2);
  product(to, width, rows, width, false, scale, scratch, q + (<usize>(from * D) << 2), D, 1, at, 1, D, D);
  if (cap > 0) capRow(to, to, rows * width, cap);
}

/** Hides what lies more than a window before place i of a row. */
// @ts-ignore: decorator
@inline
function hideBefore(row: usize, i: i32, window: i32): void {
  for (let j = 0; j <= i - window; j++) store<f32>(row + (<usize>j << 2), -1e30);
}

/** Sets to −1e30 what place i does not see among 0 … width − 1: later places, and other documents. The largest left. */
function maskRow(row: usize, segments: usize, i: i32, width: i32): f32 {
  const own = load<i32>(segments + (<usize>i << 2));
  const hidden = splat(-1e30);
  let top = hidden;
  let j = 0;
  for (; j + 4 <= i + 1; j += 4) {
    const at = <usize>j << 2;
    const isSeen = i32x4.eq(v128.load(segments + at), i32x4.splat(own));
    const x = v128.bitselect(v128.load(row + at), hidden, isSeen);
    v128.store(row + at, x);
    top = f32x4.pmax(top, x);
  }
  let best = maxLanes(top);
  for (; j < width; j++) {
    const at = <usize>j << 2;
    if (j > i || load<i32>(segments + at) != own) store<f32>(row + at, -1e30);
    else best = max(best, load<f32>(row + at));
  }
  return best;
}

/** Every number of a row times `factor`. */
// @ts-ignore: decorator
@inline
function scaleRow(row: usize, width: i32, factor: f32): void {
  let j = 0;
  for (; j + 4 <= width; j += 4) {
    const at = row + (<usize>j << 2);
    v128.store(at, f32x4.mul(v128.load(at), splat(factor)));
  }
  for (; j < width; j++) {
    const at = row + (<usize>j << 2);
    store<f32>(at, load<f32>(at) * factor);
  }
}

// @ts-ignore: decorator
@inline
export function dot(a: usize, b: usize, count: i32): f32 {
  let sum = splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) sum = fma(v128.load(a + (<usize>i << 2)), v128.load(b + (<usize>i << 2)), sum);
  let rest: f32 = 0;
  for (; i < count; i++) rest += load<f32>(a + (<usize>i << 2)) * load<f32>(b + (<usize>i << 2));
  return sumLanes(sum) + rest;
}

/** Each number becomes its exponential less `shift`; −1e30 becomes 0. Returns their sum. */
export function expRow(row: usize, width: i32, shift: f32): f32 {
  const by = splat(shift);
  const floor = splat(-1e29);
  let sum = splat(0);
  let j = 0;
  for (; j + 4 <= width; j += 4) {
    const at = row + (<usize>j << 2);
    const x = v128.load(at);
    const e = v128.and(exp4(f32x4.sub(x, by)), f32x4.gt(x, floor));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  let total = sumLanes(sum);
  for (; j < width; j++) {
    const at = row + (<usize>j << 2);
    const x = load<f32>(at);
    const e = x > -1e29 ? exp1(x - shift) : 0;
    store<f32>(at, e);
    total += e;
  }
  return total;
}

/**
 * A query head of a row, piece by piece. `args` begins with out, qkv, segments; `ways` is where H, K, T, D, scale, window,
 * cap lie; `marked` and `bias` are 0 where there are none.
 */
function attend(args: usize, ways: usize, marked: usize, bias: usize, piece: i32, scratch: usize): void {
  const H = word(ways, 0), K = word(ways, 1), T = word(ways, 2), D = word(ways, 3);
  const scale = number(ways, 4), window = word(ways, 5), cap = number(ways, 6);
  const b = piece / H, h = piece % H;
  const bytes = <usize>(T * D) << 2;
  const base = address(args, 1) + <usize>(b * (H + 2 * K)) * bytes;
  const q = base + <usize>h * bytes;
  const k = base + <usize>(H + h / (H / K)) * bytes;
  const v = k + <usize>K * bytes;
  const scores = scratch + PANEL;
  for (let from = 0; from < T; from += BLOCK) {
    const rows = min(BLOCK, T - from), first = firstKey(from, window), width = from + rows - first;
    const places = <usize>(b * T + first) << 2;
    const segments = address(args, 2) + places;
    scoreBlock(scores, scratch, q, k, from, rows, first, D, scale, cap);
    for (let r = 0; r < rows; r++) {
      const row = scores + (<usize>(r * width) << 2);
      if (marked) markRow(row, marked + places, from + r - first, bias, h);
      if (window > 0) hideBefore(row, from + r - first, window);
      const top = maskRow(row, segments, from + r - first, width);
      scaleRow(row, width, <f32>1 / expRow(row, width, top));
    }
    const out = address(args, 0) + (<usize>(((b * T + from) * H + h) * D) << 2);
    product(out, H * D, rows, D, false, 1, scratch, scores, width, 1, v + (<usize>(first * D) << 2), D, 1, width);
  }
}

/** out, qkv, segments, H, K, T, D, scale, window, cap; a piece is a query head of a row. Working memory: a block of scores, a panel. */
export function attention(args: usize, piece: i32, scratch: usize): void {
  attend(args, args + 12, 0, 0, piece, scratch);
}

/** out, qkv, segments, marked, bias, H, K, T, D, scale, window, cap, whether marks are hard; the rest as above */
export function markedAttention(args: usize, piece: i32, scratch: usize): void {
  const bias = word(args, 12) != 0 ? 0 : address(args, 4);
  attend(args, args + 20, address(args, 3), bias, piece, scratch);
}

/** ds = p · (dp − δ) · scale in place of dp, of one row; `slopes` are the cap's, or 0 where there is none. */
// @ts-ignore: decorator
@inline
function pullRow(pull: usize, row: usize, slopes: usize, width: i32, scale: f32, delta: f32): void {
  let j = 0;
  for (; j + 4 <= width; j += 4) {
    const at = <usize>j << 2;
    let ds = f32x4.mul(v128.load(row + at), f32x4.sub(v128.load(pull + at), splat(delta)));
    if (slopes) ds = f32x4.mul(ds, v128.load(slopes + at));
    v128.store(pull + at, f32x4.mul(ds, splat(scale)));
  }
  for (; j < width; j++) {
    const at = <usize>j << 2;
    const slope = slopes ? load<f32>(slopes + at) : <f32>1;
    store<f32>(pull + at, load<f32>(row + at) * (load<f32>(pull + at) - delta) * slope * scale);
  }
}

/**
 * A key-value head of a row, piece by piece. `inputs` is where qkv, segments lie, `ways` where H, K, T, D, scale, window,
 * cap do; `marked` is 0 where there are none, `bias` where they are not soft, `sums` where nobody asks for them.
 */
function attendBack(
  dqkv: usize, inputs: usize, dys: usize, ways: usize, marked: usize, bias: usize, sums: usize, piece: i32, scratch: usize,
): void {
  const H = word(ways, 0), K = word(ways, 1), T = word(ways, 2), D = word(ways, 3);
  const scale = number(ways, 4), window = word(ways, 5), cap = number(ways, 6);
  const b = piece / K, g = piece % K;
  const bytes = <usize>(T * D) << 2;
  const offset = <usize>(b * (H + 2 * K)) * bytes;
  const qkv = address(inputs, 0) + offset, out = dqkv + offset;
  const k = qkv + <usize>(H + g) * bytes, v = k + <usize>K * bytes;
  const dk = out + <usize>(H + g) * bytes, dv = dk + <usize>K * bytes;
  const scores = scratch + PANEL, pulls = scores + (<usize>(BLOCK * T) << 2);
  const slopes = cap > 0 ? pulls + (<usize>(BLOCK * T) << 2) : 0;
  memory.fill(dk, 0, bytes);
  memory.fill(dv, 0, bytes);
  for (let h = g * (H / K); h < (g + 1) * (H / K); h++) {
    const q = qkv + <usize>h * bytes;
    let sum: f32 = 0;
    for (let from = 0; from < T; from += BLOCK) {
      const rows = min(BLOCK, T - from), first = firstKey(from, window), width = from + rows - first;
      const skipped = <usize>(first * D) << 2;
      const places = <usize>(b * T + first) << 2;
      const segments = address(inputs, 1) + places;
      const dy = dys + (<usize>(((b * T + from) * H + h) * D) << 2);
      scoreBlock(scores, scratch, q, k, from, rows, first, D, scale, cap);
      product(pulls, width, rows, width, false, 1, scratch, dy, H * D, 1, v + skipped, 1, D, D);
      for (let r = 0; r < rows; r++) {
        const row = scores + (<usize>(r * width) << 2), pull = pulls + (<usize>(r * width) << 2);
        const own = from + r - first;
        if (cap > 0) capSlopes(slopes, row, width, cap);
        if (marked) markRow(row, marked + places, own, bias, h);
        if (window > 0) hideBefore(row, own, window);
        const top = maskRow(row, segments, own, width);
        scaleRow(row, width, <f32>1 / expRow(row, width, top));
        const delta = dot(row, pull, width);
        if (bias) sum += markSum(row, pull, marked + places, own + 1, delta);
        pullRow(pull, row, slopes, width, scale, delta);
      }
      const dq = out + <usize>h * bytes + (<usize>(from * D) << 2);
      product(dq, D, rows, D, false, 1, scratch, pulls, width, 1, k + skipped, D, 1, width);
      product(dk + skipped, D, width, D, true, 1, scratch, pulls, 1, width, q + (<usize>(from * D) << 2), D, 1, rows);
      product(dv + skipped, D, width, D, true, 1, scratch, scores, 1, width, dy, H * D, 1, rows);
    }
    if (sums) store<f32>(sums + (<usize>(b * H + h) << 2), sum);
  }
}

/**
 * out, qkv, segments, dy, H, K, T, D, scale, window, cap; a piece is a key-value head of a row. Two blocks of scores, a
 * panel, and a row for the slopes of a cap.
 */
export function attentionBack(args: usize, piece: i32, scratch: usize): void {
  attendBack(address(args, 0), args + 4, address(args, 3), args + 16, 0, 0, 0, piece, scratch);
}

/**
 * out, dλ by row and head [B, H], qkv, segments, marked, bias, dy, H, K, T, D, scale, window, cap, whether marks are
 * hard: dλ is then 0. The rest as above.
 */
export function markedAttentionBack(args: usize, piece: i32, scratch: usize): void {
  const bias = word(args, 14) != 0 ? 0 : address(args, 5);
  const out = address(args, 0), dy = address(args, 6);
  attendBack(out, args + 8, dy, args + 28, address(args, 4), bias, address(args, 1), piece, scratch);
}

/** @file The key-value cache: cache.ts. */

import { address, number, word } from "./args";
import { dot, expRow, firstKey } from "./heads";
import { markRow } from "./marks";
import { fma, maxLanes, splat } from "./simd";
import { capRow } from "./softcap";

// @ts-ignore: decorator
@inline
function largestOf(row: usize, width: i32): f32 {
  let top = splat(-1e30);
  let j = 0;
  for (; j + 4 <= width; j += 4) top = f32x4.pmax(top, v128.load(row + (<usize>j << 2)));
  let best = maxLanes(top);
  for (; j < width; j++) best = max(best, load<f32>(row + (<usize>j << 2)));
  return best;
}

/** cache, cache, packed, starts, H, C, S, T, D: in place; a piece is a row of the batch */
export function cacheFill(args: usize, piece: i32): void {
  const H = word(args, 4), C = word(args, 5), S = word(args, 6), T = word(args, 7);
  const bytes = <usize>word(args, 8) << 2;
  const start = load<i32>(address(args, 3) + (<usize>piece << 2));
  const count = min(T, S - start);
  for (let c = 0; c < C; c++) {
    memory.copy(
      address(args, 0) + <usize>((piece * C + c) * S + start) * bytes,
      address(args, 2) + <usize>((piece * (H + C) + H + c) * T) * bytes,
      <usize>count * bytes,
    );
  }
}

/** Scores of one query with keys 0 … width − 1, [width], four keys at a time. */
// @ts-ignore: decorator
@inline
function scoreKeys(to: usize, q: usize, keys: usize, width: i32, D: i32, scale: f32): void {
  const step = <usize>D << 2;
  let j = 0;
  if ((D & 3) == 0) {
    for (; j + 4 <= width; j += 4) {
      const k = keys + <usize>j * step;
      let a = splat(0), b = splat(0), c = splat(0), d = splat(0);
      for (let at: usize = 0; at < step; at += 16) {
        const x = v128.load(q + at);
        a = fma(x, v128.load(k + at), a);
        b = fma(x, v128.load(k + step + at), b);
        c = fma(x, v128.load(k + 2 * step + at), c);
        d = fma(x, v128.load(k + 3 * step + at), d);
      }
      const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
      const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
      const sums = f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
      v128.store(to + (<usize>j << 2), f32x4.mul(sums, splat(scale)));
    }
  }
  for (; j < width; j++) store<f32>(to + (<usize>j << 2), dot(q, keys + <usize>j * step, D) * scale);
}

/** Σ_j weights[j] · values[j], times `part`, [D], sixteen places at a time. */
// @ts-ignore: decorator
@inline
function mixValues(to: usize, weights: usize, values: usize, width: i32, D: i32, part: f32): void {
  const step = <usize>D << 2;
  let d = 0;
  for (; d + 16 <= D; d += 16) {
    let from = values + (<usize>d << 2);
    let a0 = splat(0), a1 = splat(0), a2 = splat(0), a3 = splat(0);
    for (let j = 0; j < width; j++) {
      const x = v128.load_splat<f32>(weights + (<usize>j << 2));
      a0 = fma(x, v128.load(from), a0);
      a1 = fma(x, v128.load(from, 16), a1);
      a2 = fma(x, v128.load(from, 32), a2);
      a3 = fma(x, v128.load(from, 48), a3);
      from += step;
    }
    const at = to + (<usize>d << 2);
    v128.store(at, f32x4.mul(a0, splat(part)));
    v128.store(at, f32x4.mul(a1, splat(part)), 16);
    v128.store(at, f32x4.mul(a2, splat(part)), 32);
    v128.store(at, f32x4.mul(a3, splat(part)), 48);
  }
  for (; d < D; d++) {
    let sum: f32 = 0;
    for (let j = 0; j < width; j++) {
      sum += load<f32>(weights + (<usize>j << 2)) * load<f32>(values + (<usize>(j * D + d) << 2));
    }
    store<f32>(to + (<usize>d << 2), sum * part);
  }
}

/**
 * A row of the batch, piece by piece. `args` begins with out, packed, cache, lengths; `ways` is where H, K, S, D, scale,
 * window, cap lie; `marked` and `bias` are 0 where there are none.
 */
function attendCache(args: usize, ways: usize, marked: usize, bias: usize, piece: i32, scratch: usize): void {
  const H = word(ways, 0), K = word(ways, 1), S = word(ways, 2), D = word(ways, 3);
  const scale = number(ways, 4), window = word(ways, 5), cap = number(ways, 6);
  const end = load<i32>(address(args, 3) + (<usize>piece << 2)) + 1;
  const first = firstKey(end - 1, window), width = end - first;
  const bytes = <usize>(S * D) << 2;
  const group = H / K;
  for (let h = 0; h < H; h++) {
    const keys = address(args, 2) + <usize>(piece * 2 * K + h / group) * bytes + (<usize>(first * D) << 2);
    const q = address(args, 1) + (<usize>((piece * (H + 2 * K) + h) * D) << 2);
    const out = address(args, 0) + (<usize>((piece * H + h) * D) << 2);
    scoreKeys(scratch, q, keys, width, D, scale);
    if (cap > 0) capRow(scratch, scratch, width, cap);
    if (marked) markRow(scratch, marked + (<usize>(piece * S + first) << 2), width - 1, bias, h);
    const part = <f32>1 / expRow(scratch, width, largestOf(scratch, width));
    mixValues(out, scratch, keys + <usize>K * bytes, width, D, part);
  }
}

/** out, packed, cache, lengths, H, K, S, D, scale, window, cap; a piece is a row of the batch */
export function cacheAttention(args: usize, piece: i32, scratch: usize): void {
  attendCache(args, args + 16, 0, 0, piece, scratch);
}

/** out, packed, cache, lengths, marked, bias, H, K, S, D, scale, window, cap, whether marks are hard; as above */
export function markedCacheAttention(args: usize, piece: i32, scratch: usize): void {
  const bias = word(args, 13) != 0 ? 0 : address(args, 5);
  attendCache(args, args + 24, address(args, 4), bias, piece, scratch);
}

/** @file Packed weights (kernels/weight.ts says how they lie) made plain, a panel or a row at a time. */

import { pack } from "./product";
import { fma, splat, sumLanes } from "./simd";

/** nf4, of weightFormats in core/packing.ts. */
const NF4: i32 = 4;

/** Bytes of a block of 32 numbers. */
// @ts-ignore: decorator
@inline
export function blockBytes(format: i32): usize {
  return format == 1 ? 64 : format == 2 ? 36 : 20;
}

/** The value of a binary16. */
// @ts-ignore: decorator
@inline
function half(h: u32): f32 {
  const magnitude = reinterpret<f32>((h & 0x7fff) << 13) * reinterpret<f32>(0x77800000); // · 2^112
  return reinterpret<f32>(reinterpret<u32>(magnitude) | ((h & 0x8000) << 16));
}

/** The values of four binary16, each in the low half of a lane. */
// @ts-ignore: decorator
@inline
function half4(h: v128): v128 {
  const magnitude = f32x4.mul(
    i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13),
    splat(reinterpret<f32>(0x77800000)),
  );
  return v128.or(magnitude, i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16));
}

/** Eight numbers whose codes are eight signed bytes in the low half of `codes`: d · code + m. */
// @ts-ignore: decorator
@inline
function put8(to: usize, codes: v128, d: v128, m: v128): void {
  const wide = i16x8.extend_low_i8x16_s(codes);
  v128.store(to, f32x4.add(f32x4.mul(d, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(wide))), m));
  v128.store(to, f32x4.add(f32x4.mul(d, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(wide))), m), 16);
}

/** Byte `at` of each of nf4's sixteen levels (normalFloat4 in core/packing.ts): together they are a table of f32. */
// @ts-ignore: decorator
@inline
function levelBytes(at: i32): v128 {
  if (at == 0) return i8x16(0, -79, 48, -96, 77, 63, 113, 0, -1, -29, -35, 58, -72, -85, -77, 0);
  if (at == 1) return i8x16(0, 57, 107, 50, -94, 53, 120, 0, -6, -54, 4, 3, -92, 7, 19, 0);
  if (at == 2) return i8x16(-128, 50, 6, -54, -111, 61, -70, 0, -94, 36, 124, -83, -31, 16, 57, -128);
  return i8x16(-65, -65, -65, -66, -66, -66, -67, 0, 61, 62, 62, 62, 62, 63, 63, 63);
}

// @ts-ignore: decorator
@inline
function lookUp(table: v128, codes: v128): v128 {
  return RELAXED ? i8x16.relaxed_swizzle(table, codes) : i8x16.swizzle(table, codes);
}

/** The first and the last eight of two rows of bytes, byte by byte in turn. */
// @ts-ignore: decorator
@inline
function firstPairs(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
// @ts-ignore: decorator
@inline
function lastPairs(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
/** The first and the last four levels of eight, from the lower and the upper half of their bits. */
// @ts-ignore: decorator
@inline
function firstLevels(low: v128, high: v128): v128 {
  return v128.shuffle<i16>(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
}
// @ts-ignore: decorator
@inline
function lastLevels(low: v128, high: v128): v128 {
  return v128.shuffle<i16>(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Sixteen numbers of nf4 whose codes are the bytes of `codes`: d · level for the first eight, e · level for the last. */
// @ts-ignore: decorator
@inline
function putLevels16(to: usize, codes: v128, d: v128, e: v128): void {
  const a = lookUp(levelBytes(0), codes), b = lookUp(levelBytes(1), codes);
  const c = lookUp(levelBytes(2), codes), f = lookUp(levelBytes(3), codes);
  const low = firstPairs(a, b), high = firstPairs(c, f);
  v128.store(to, f32x4.mul(d, firstLevels(low, high)));
  v128.store(to, f32x4.mul(d, lastLevels(low, high)), 16);
  const low2 = lastPairs(a, b), high2 = lastPairs(c, f);
  v128.store(to, f32x4.mul(e, firstLevels(low2, high2)), 32);
  v128.store(to, f32x4.mul(e, lastLevels(low2, high2)), 48);
}

/** Eight numbers of nf4 whose codes are the bytes in the low half of `codes`: d · level. */
// @ts-ignore: decorator
@inline
function putLevels8(to: usize, codes: v128, d: v128): void {
  const low = firstPairs(lookUp(levelBytes(0), codes), lookUp(levelBytes(1), codes));
  const high = firstPairs(lookUp(levelBytes(2), codes), lookUp(levelBytes(3), codes));
  v128.store(to, f32x4.mul(d, firstLevels(low, high)));
  v128.store(to, f32x4.mul(d, lastLevels(low, high)), 16);
}

/** Σ levels · x over sixteen numbers. */
// @ts-ignore: decorator
@inline
function dotLevels16(codes: v128, x: usize, sum: v128): v128 {
  const a = lookUp(levelBytes(0), codes), b = lookUp(levelBytes(1), codes);
  const c = lookUp(levelBytes(2), codes), d = lookUp(levelBytes(3), codes);
  const low = firstPairs(a, b), high = firstPairs(c, d);
  let part = fma(firstLevels(low, high), v128.load(x), sum);
  part = fma(lastLevels(low, high), v128.load(x, 16), part);
  const low2 = lastPairs(a, b), high2 = lastPairs(c, d);
  part = fma(firstLevels(low2, high2), v128.load(x, 32), part);
  return fma(lastLevels(low2, high2), v128.load(x, 48), part);
}

/** Eight numbers of a block, from place j (0, 8, 16 or 24) on, times scale. */
// @ts-ignore: decorator
@inline
function unpack8(to: usize, at: usize, format: i32, j: i32, scale: f32): void {
  if (format == 1) {
    const s = splat(scale);
    const from = at + (<usize>j << 1);
    v128.store(to, f32x4.mul(half4(v128.load16x4_u(from)), s));
    v128.store(to, f32x4.mul(half4(v128.load16x4_u(from, 8)), s), 16);
    return;
  }
  const head = v128.load32_splat(at), s = splat(scale);
  const d = f32x4.mul(half4(v128.and(head, i32x4.splat(0xffff))), s), m = f32x4.mul(half4(i32x4.shr_u(head, 16)), s);
  if (format == 2) {
    put8(to, v128.load64_zero(at + 4 + <usize>j), d, m);
    return;
  }
  const bytes = v128.load64_zero(at + 4 + <usize>(j & 15));
  const codes = j < 16 ? v128.and(bytes, i8x16.splat(15)) : i8x16.shr_u(bytes, 4);
  if (format == NF4) putLevels8(to, codes, d);
  else put8(to, codes, d, m);
}

/** All 32 numbers of a block. */
// @ts-ignore: decorator
@inline
export function unpack32(to: usize, at: usize, format: i32): void {
  if (format == NF4) {
    const pairs = v128.load(at + 4), d = splat(half(load<u16>(at)));
    putLevels16(to, v128.and(pairs, i8x16.splat(15)), d, d);
    putLevels16(to + 64, i8x16.shr_u(pairs, 4), d, d);
    return;
  }
  for (let j = 0; j < 32; j += 8) unpack8(to + (<usize>j << 2), at, format, j, 1);
}

/**
 * As `pack`: rows `first` … of w as a panel's columns, places `from` … (a multiple of 32) along them. `spare` is working
 * memory of 1,024 bytes.
 */
export function packRows(
  panel: usize, w: usize, words: i32, format: i32, first: i32, from: i32, depth: i32, cols: i32, scale: f32, spare: usize,
): void {
  const bytes = blockBytes(format);
  for (let k = 0; k < depth; k += 32) {
    const block = <usize>((from + k) >> 5) * bytes;
    for (let j = 0; j < cols; j++) {
      unpack32(spare + (<usize>j << 7), w + (<usize>((first + j) * words) << 2) + block, format);
    }
    pack(panel + (<usize>k << 5), spare, 1, 32, min(32, depth - k), cols, scale);
  }
}

/** As `pack`: columns `first` (a multiple of 8) … first + 7 of w as a panel's columns, rows `from` … down it. */
export function packColumns(
  panel: usize, w: usize, words: i32, format: i32, first: i32, from: i32, depth: i32, scale: f32,
): void {
  const j = first & 31;
  let at = w + (<usize>(from * words) << 2) + <usize>(first >> 5) * blockBytes(format);
  let k = 0;
  if (format == NF4) {
    // Two rows at a time, so that no look-up is half empty.
    for (; k + 2 <= depth; k += 2) {
      const next = at + (<usize>words << 2);
      const bytes = v128.load64_lane(next + 4 + <usize>(j & 15), v128.load64_zero(at + 4 + <usize>(j & 15)), 1);
      const codes = j < 16 ? v128.and(bytes, i8x16.splat(15)) : i8x16.shr_u(bytes, 4);
      putLevels16(panel, codes, splat(scale * half(load<u16>(at))), splat(scale * half(load<u16>(next))));
      panel += 64;
      at = next + (<usize>words << 2);
    }
  }
  for (; k < depth; k++) {
    unpack8(panel, at, format, j, scale);
    panel += 32;
    at += <usize>words << 2;
  }
}

/** out, w, index, count, width, words, format; a piece is 16 rows. */
export function weightRows(args: usize, piece: i32): void {
  const out = load<usize>(args), w = load<usize>(args, 4), index = load<usize>(args, 8);
  const width = load<i32>(args, 16), words = load<i32>(args, 20), format = load<i32>(args, 24);
  const end = min(load<i32>(args, 12), (piece + 1) * 16);
  for (let i = piece * 16; i < end; i++) {
    const row = w + (<usize>(load<i32>(index + (<usize>i << 2)) * words) << 2);
    const to = out + (<usize>(i * width) << 2);
    if (format == 0) {
      memory.copy(to, row, <usize>width << 2);
      continue;
    }
    for (let from = 0; from < width; from++) {
      const at = row + <usize>(from >> 5) * blockBytes(format);
      if (from + 32 <= width && (from & 31) == 0) {
        unpack32(to + (<usize>from << 2), at, format);
        from += 31;
      } else store<f32>(to + (<usize>from << 2), one(at, format, from & 31));
    }
  }
}

/** Σ codes · x over eight numbers, and Σ x: of the eight signed bytes in the low half of `codes`. */
// @ts-ignore: decorator
@inline
function dot8(codes: v128, x: usize, sum: v128): v128 {
  const wide = i16x8.extend_low_i8x16_s(codes);
  const first = fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(wide)), v128.load(x), sum);
  return fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(wide)), v128.load(x, 16), first);
}

/** Σ of a row's `depth` numbers with those at x. A block's scale is taken out of the sum over it. */
export function dotPacked(row: usize, x: usize, depth: i32, format: i32): f32 {
  const bytes = blockBytes(format);
  let sum = splat(0);
  let at = row;
  let k = 0;
  for (; k + 32 <= depth; k += 32) {
    const from = x + (<usize>k << 2);
    if (format == 1) {
      for (let j: usize = 0; j < 32; j += 4) {
        sum = fma(half4(v128.load16x4_u(at + (j << 1))), v128.load(from + (j << 2)), sum);
      }
    } else {
      const head = load<u32>(at);
      let part = splat(0);
      if (format == 2) {
        for (let j: usize = 0; j < 32; j += 8) part = dot8(v128.load64_zero(at + 4 + j), from + (j << 2), part);
      } else {
        const pairs = v128.load(at + 4);
        const low = v128.and(pairs, i8x16.splat(15)), high = i8x16.shr_u(pairs, 4);
        if (format == NF4) part = dotLevels16(high, from + 64, dotLevels16(low, from, part));
        else {
          part = dot8(low, from, part);
          part = dot8(v128.shuffle<i64>(low, low, 1, 0), from + 32, part);
          part = dot8(high, from + 64, part);
          part = dot8(v128.shuffle<i64>(high, high, 1, 0), from + 96, part);
        }
      }
      sum = fma(splat(half(head & 0xffff)), part, sum);
      const m = half(head >> 16);
      if (m != 0) {
        let all = v128.load(from);
        for (let j: usize = 16; j < 128; j += 16) all = f32x4.add(all, v128.load(from + j));
        sum = fma(splat(m), all, sum);
      }
    }
    at += bytes;
  }
  let rest: f32 = 0;
  for (let j = 0; k + j < depth; j++) rest += one(at, format, j) * load<f32>(x + (<usize>(k + j) << 2));
  return sumLanes(sum) + rest;
}

/** One number of a block. */
export function one(at: usize, format: i32, j: i32): f32 {
  if (format == 1) return half(load<u16>(at + (<usize>j << 1)));
  const head = load<u32>(at);
  const byte = format == 2 ? load<i8>(at + 4 + <usize>j) : 0;
  const pair = format >= 3 ? <i32>load<u8>(at + 4 + <usize>(j & 15)) : 0;
  const code = format == 2 ? <i32>byte : j < 16 ? pair & 15 : pair >> 4;
  if (format == NF4) {
    const codes = i8x16.splat(<i8>code);
    const low = firstPairs(lookUp(levelBytes(0), codes), lookUp(levelBytes(1), codes));
    const high = firstPairs(lookUp(levelBytes(2), codes), lookUp(levelBytes(3), codes));
    return half(head & 0xffff) * f32x4.extract_lane(firstLevels(low, high), 0);
  }
  return half(head & 0xffff) * <f32>code + half(head >> 16);
}

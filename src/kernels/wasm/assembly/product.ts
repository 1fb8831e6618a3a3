/**
 * @file Matrix products: C [M, N] = A · B, or two such products summed, A and B with any strides.
 *
 * B is copied eight columns at a time into a narrow panel, then four rows of A run down it, the 32 sums in registers (more sums spill in V8, fewer starve the adders).
 */

import { dotPacked, packRows, packColumns } from "./packed";
import { fma, loadPart, splat, storePart, sumLanes } from "./simd";

/** Depth of a panel: 512 × 8 numbers, half of a small first-level cache. */
export const DEPTH: i32 = 512;
/** Bytes of working memory that a product needs. */
export const PANEL: usize = 2 * 512 * 8 * 4;

/** Eight columns of B from `from`, `depth` rows, times scale; columns beyond `cols` are zero. Strides in numbers. */
export function pack(panel: usize, b: usize, byRow: i32, byCol: i32, depth: i32, cols: i32, scale: f32): void {
  const s = splat(scale);
  if (cols == 8 && byCol == 1) {
    for (let k = 0; k < depth; k++) {
      const from = b + (<usize>(k * byRow) << 2);
      v128.store(panel, f32x4.mul(v128.load(from), s));
      v128.store(panel, f32x4.mul(v128.load(from, 16), s), 16);
      panel += 32;
    }
    return;
  }
  if (cols == 8 && byRow == 1) {
    let k = 0;
    for (; k + 4 <= depth; k += 4) {
      const from = b + (<usize>k << 2);
      const step = <usize>byCol << 2;
      for (let half: usize = 0; half < 2; half++) {
        const base = from + half * 4 * step;
        const a0 = v128.load(base);
        const a1 = v128.load(base + step);
        const a2 = v128.load(base + 2 * step);
        const a3 = v128.load(base + 3 * step);
        const t0 = v128.shuffle<f32>(a0, a1, 0, 4, 1, 5);
        const t1 = v128.shuffle<f32>(a0, a1, 2, 6, 3, 7);
        const t2 = v128.shuffle<f32>(a2, a3, 0, 4, 1, 5);
        const t3 = v128.shuffle<f32>(a2, a3, 2, 6, 3, 7);
        const to = panel + (<usize>k << 5) + half * 16;
        v128.store(to, f32x4.mul(v128.shuffle<f32>(t0, t2, 0, 1, 4, 5), s));
        v128.store(to, f32x4.mul(v128.shuffle<f32>(t0, t2, 2, 3, 6, 7), s), 32);
        v128.store(to, f32x4.mul(v128.shuffle<f32>(t1, t3, 0, 1, 4, 5), s), 64);
        v128.store(to, f32x4.mul(v128.shuffle<f32>(t1, t3, 2, 3, 6, 7), s), 96);
      }
    }
    for (; k < depth; k++) {
      for (let j = 0; j < 8; j++) {
        store<f32>(panel + (<usize>(k * 8 + j) << 2), load<f32>(b + (<usize>(k + j * byCol) << 2)) * scale);
      }
    }
    return;
  }
  for (let k = 0; k < depth; k++) {
    for (let j = 0; j < 8; j++) {
      const value = j < cols ? load<f32>(b + (<usize>(k * byRow + j * byCol) << 2)) * scale : 0;
      store<f32>(panel + (<usize>(k * 8 + j) << 2), value);
    }
  }
}

// @ts-ignore: decorator
@inline
function put(to: usize, lo: v128, hi: v128, cols: i32): void {
  if (cols == 8) {
    v128.store(to, lo);
    v128.store(to, hi, 16);
  } else {
    storePart(to, lo, cols);
    storePart(to + 16, hi, cols - 4);
  }
}

/** Four rows of C: over `depth` of A and the panel, then over `depth2` of A2 and panel2. Strides in bytes. */
function fourRows(
  c: usize, cRow: usize, cols: i32, accumulate: bool,
  a: usize, aRow: usize, aStep: usize, depth: i32, panel: usize,
  a2: usize, a2Row: usize, depth2: i32, panel2: usize,
): void {
  let l0 = splat(0), h0 = splat(0);
  let l1 = splat(0), h1 = splat(0);
  let l2 = splat(0), h2 = splat(0);
  let l3 = splat(0), h3 = splat(0);
  if (accumulate) {
    l0 = cols == 8 ? v128.load(c + 0 * cRow) : loadPart(c + 0 * cRow, cols);
    h0 = cols == 8 ? v128.load(c + 0 * cRow, 16) : loadPart(c + 0 * cRow + 16, cols - 4);
    l1 = cols == 8 ? v128.load(c + 1 * cRow) : loadPart(c + 1 * cRow, cols);
    h1 = cols == 8 ? v128.load(c + 1 * cRow, 16) : loadPart(c + 1 * cRow + 16, cols - 4);
    l2 = cols == 8 ? v128.load(c + 2 * cRow) : loadPart(c + 2 * cRow, cols);
    h2 = cols == 8 ? v128.load(c + 2 * cRow, 16) : loadPart(c + 2 * cRow + 16, cols - 4);
    l3 = cols == 8 ? v128.load(c + 3 * cRow) : loadPart(c + 3 * cRow, cols);
    h3 = cols == 8 ? v128.load(c + 3 * cRow, 16) : loadPart(c + 3 * cRow + 16, cols - 4);
  }
  {
    let lo: v128, hi: v128, x: v128;
    let p0 = a + 0 * aRow;
    let p1 = a + 1 * aRow;
    let p2 = a + 2 * aRow;
    let p3 = a + 3 * aRow;
    let at = panel;
    const end = at + (<usize>depth << 5);
    while (at < end) {
      lo = v128.load(at, 0);
      hi = v128.load(at, 16);
      x = v128.load_splat<f32>(p0, 0);
      l0 = fma(x, lo, l0);
      h0 = fma(x, hi, h0);
      x = v128.load_splat<f32>(p1, 0);
      l1 = fma(x, lo, l1);
      h1 = fma(x, hi, h1);
      x = v128.load_splat<f32>(p2, 0);
      l2 = fma(x, lo, l2);
      h2 = fma(x, hi, h2);
      x = v128.load_splat<f32>(p3, 0);
      l3 = fma(x, lo, l3);
      h3 = fma(x, hi, h3);
      p0 += aStep;
      p1 += aStep;
      p2 += aStep;
      p3 += aStep;
      at += 32;
    }
  }
  if (depth2 > 0) {
    let lo: v128, hi: v128, x: v128;
    let p0 = a2 + 0 * a2Row;
    let p1 = a2 + 1 * a2Row;
    let p2 = a2 + 2 * a2Row;
    let p3 = a2 + 3 * a2Row;
    let at = panel2;
    const end = at + (<usize>depth2 << 5);
    while (at < end) {
      lo = v128.load(at, 0);
      hi = v128.load(at, 16);
      x = v128.load_splat<f32>(p0, 0);
      l0 = fma(x, lo, l0);
      h0 = fma(x, hi, h0);
      x = v128.load_splat<f32>(p1, 0);
      l1 = fma(x, lo, l1);
      h1 = fma(x, hi, h1);
      x = v128.load_splat<f32>(p2, 0);
      l2 = fma(x, lo, l2);
      h2 = fma(x, hi, h2);
      x = v128.load_splat<f32>(p3, 0);
      l3 = fma(x, lo, l3);
      h3 = fma(x, hi, h3);
      p0 += 4;
      p1 += 4;
      p2 += 4;
      p3 += 4;
      at += 32;
    }
  }
  put(c + 0 * cRow, l0, h0, cols);
  put(c + 1 * cRow, l1, h1, cols);
  put(c + 2 * cRow, l2, h2, cols);
  put(c + 3 * cRow, l3, h3, cols);
}

/** One row of C, as sixRows. */
function oneRow(
  c: usize, cols: i32, accumulate: bool,
  a: usize, aStep: usize, depth: i32, panel: usize,
  a2: usize, a2Step: usize, depth2: i32, panel2: usize,
): void {
  let l = splat(0), h = splat(0);
  if (accumulate) {
    l = loadPart(c, min(cols, 4));
    h = loadPart(c + 16, cols - 4);
  }
  for (let k = 0; k < depth; k++) {
    const x = v128.load_splat<f32>(a);
    l = fma(x, v128.load(panel), l);
    h = fma(x, v128.load(panel, 16), h);
    a += aStep;
    panel += 32;
  }
  for (let k = 0; k < depth2; k++) {
    const x = v128.load_splat<f32>(a2);
    l = fma(x, v128.load(panel2), l);
    h = fma(x, v128.load(panel2, 16), h);
    a2 += a2Step;
    panel2 += 32;
  }
  put(c, l, h, cols);
}

/**
 * Rows `rows` and up to eight columns of C; a second product is added where depth2 > 0. Strides in numbers. B is plain
 * where `format` is 0; else it is a packed weight (packed.ts): its rows from `first` on where `along`, or its columns.
 */
// @ts-ignore: decorator
@inline
export function strip(
  c: usize, cRow: i32, rows: i32, cols: i32, accumulate: bool, scale: f32, scratch: usize,
  a: usize, aRow: i32, aStep: i32, b: usize, bRow: i32, bStep: i32, depth: i32,
  a2: usize, a2Row: i32, b2: usize, b2Row: i32, b2Step: i32, depth2: i32,
  format: i32, words: i32, first: i32, along: bool,
): void {
  const panel2 = scratch + PANEL / 2;
  let done2 = 0;
  if (depth == 0 && depth2 == 0 && !accumulate) {
    for (let row = 0; row < rows; row++) memory.fill(c + (<usize>(row * cRow) << 2), 0, <usize>cols << 2);
  }
  for (let from = 0; from < depth || done2 < depth2; from += DEPTH) {
    const part = max(0, min(depth - from, DEPTH));
    if (part > 0) {
      if (format == 0) pack(scratch, b + (<usize>(from * bRow) << 2), bRow, bStep, part, cols, scale);
      else if (along) packRows(scratch, b, words, format, first, from, part, cols, scale, scratch + PANEL);
      else packColumns(scratch, b, words, format, first, from, part, scale);
    }
    const second = from + part >= depth ? min(depth2 - done2, DEPTH) : 0;
    if (second > 0) pack(panel2, b2 + (<usize>(done2 * b2Row) << 2), b2Row, b2Step, second, cols, 1);
    const keep = accumulate || from > 0;
    const aAt = a + (<usize>(from * aStep) << 2);
    const a2At = a2 + (<usize>done2 << 2);
    let row = 0;
    for (; row + 4 <= rows; row += 4) {
      fourRows(
        c + (<usize>(row * cRow) << 2), <usize>cRow << 2, cols, keep,
        aAt + (<usize>(row * aRow) << 2), <usize>aRow << 2, <usize>aStep << 2, part, scratch,
        a2At + (<usize>(row * a2Row) << 2), <usize>a2Row << 2, second, panel2,
      );
    }
    for (; row < rows; row++) {
      oneRow(
        c + (<usize>(row * cRow) << 2), cols, keep,
        aAt + (<usize>(row * aRow) << 2), <usize>aStep << 2, part, scratch,
        a2At + (<usize>(row * a2Row) << 2), 4, second, panel2,
      );
    }
    done2 += second;
  }
}

/** Σ a · b of `depth` neighbours. */
// @ts-ignore: decorator
@inline
function dotPlain(a: usize, b: usize, depth: i32): f32 {
  let s0 = splat(0), s1 = splat(0);
  let k = 0;
  for (; k + 8 <= depth; k += 8) {
    const at = <usize>k << 2;
    s0 = fma(v128.load(a + at), v128.load(b + at), s0);
    s1 = fma(v128.load(a + at, 16), v128.load(b + at, 16), s1);
  }
  let rest: f32 = 0;
  for (; k < depth; k++) rest += load<f32>(a + (<usize>k << 2)) * load<f32>(b + (<usize>k << 2));
  return sumLanes(f32x4.add(s0, s1)) + rest;
}

/** Rows that are too few to pay for a panel of B. */
export const THIN: i32 = 3;

/**
 * As `strip`, for THIN rows and fewer whose neighbours along k are neighbours in memory, as B's are: dot products, of w's
 * rows from `first` on where it is packed. Strides in numbers.
 */
export function thinStrip(
  c: usize, cRow: i32, rows: i32, cols: i32, scale: f32, a: usize, aRow: i32, b: usize, bStep: i32, depth: i32,
  a2: usize, a2Row: i32, b2: usize, b2Step: i32, depth2: i32, format: i32,
): void {
  for (let j = 0; j < cols; j++) {
    const w = b + (<usize>(j * bStep) << 2);
    for (let i = 0; i < rows; i++) {
      const x = a + (<usize>(i * aRow) << 2);
      let sum = scale * (format == 0 ? dotPlain(x, w, depth) : dotPacked(w, x, depth, format));
      if (depth2 > 0) sum += dotPlain(a2 + (<usize>(i * a2Row) << 2), b2 + (<usize>(j * b2Step) << 2), depth2);
      store<f32>(c + (<usize>(i * cRow + j) << 2), sum);
    }
  }
}

/** C [rows, cols] (+)= scale · A [rows, depth] · B [depth, cols], on one thread. Strides in numbers. */
export function product(
  c: usize, cRow: i32, rows: i32, cols: i32, accumulate: bool, scale: f32, scratch: usize,
  a: usize, aRow: i32, aStep: i32, b: usize, bRow: i32, bStep: i32, depth: i32,
): void {
  for (let col = 0; col < cols; col += 8) {
    strip(
      c + (<usize>col << 2), cRow, rows, min(cols - col, 8), accumulate, scale, scratch,
      a, aRow, aStep, b + (<usize>(col * bStep) << 2), bRow, bStep, depth, 0, 0, 0, 0, 0, 0, 0, 0, 0, false,
    );
  }
}

/** @file Sums, also over rows, dropout and rows by number. Their formulas are in the TypeScript files of their names. */

import { address, number, word } from "./args";

/** out = a + b */
export function addRow(out: usize, a: usize, b: usize, count: i32): void {
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

/** out, x, b, rows, cols: b added to every row */
export function addBias(args: usize, piece: i32): void {
  const cols = word(args, 4);
  const end = min(word(args, 3), (piece + 1) * 64);
  for (let row = piece * 64; row < end; row++) {
    const at = <usize>(row * cols) << 2;
    addRow(address(args, 0) + at, address(args, 1) + at, address(args, 2), cols);
  }
}

/** out = x · factor */
export function scaleRow(out: usize, x: usize, factor: f32, count: i32): void {
  const s = f32x4.splat(factor);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = <usize>i << 2;
    v128.store(out + at, f32x4.mul(v128.load(x + at), s));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    store<f32>(out + at, load<f32>(x + at) * factor);
  }
}

/** out, x, count, factor */
export function scale(args: usize, piece: i32): void {
  const from = piece * 8192;
  const at = <usize>from << 2;
  scaleRow(address(args, 0) + at, address(args, 1) + at, number(args, 3), min(word(args, 2) - from, 8192));
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

/** out, x, rows, cols, rows a piece: row `piece` of out is the sum of the piece's rows. */
export function sumRowsPartial(args: usize, piece: i32): void {
  const cols = word(args, 3), block = word(args, 4);
  const bytes = <usize>cols << 2;
  const out = address(args, 0) + <usize>piece * bytes;
  memory.fill(out, 0, bytes);
  const end = min(word(args, 2), (piece + 1) * block);
  for (let row = piece * block; row < end; row++) addRow(out, out, address(args, 1) + <usize>row * bytes, cols);
}

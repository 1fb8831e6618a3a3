/** @file What adapters put beside linear layers: scaleColumns.ts, headGate.ts, maskRows.ts, loraParts.ts. */

import { address, number, word } from "./args";
import { scaleRow } from "./elementwise";
import { dotRow } from "./norms";
import { exp1, fma } from "./simd";

/** out, x, l, rows, cols: every row times l; a piece is 16 rows. */
export function scaleColumns(args: usize, piece: i32): void {
  const cols = word(args, 4), l = address(args, 2);
  const end = min(word(args, 3), (piece + 1) * 16);
  for (let row = piece * 16; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    const out = address(args, 0) + offset, x = address(args, 1) + offset;
    let i = 0;
    for (; i + 4 <= cols; i += 4) {
      const at = <usize>i << 2;
      v128.store(out + at, f32x4.mul(v128.load(x + at), v128.load(l + at)));
    }
    for (; i < cols; i++) {
      const at = <usize>i << 2;
      store<f32>(out + at, load<f32>(x + at) * load<f32>(l + at));
    }
  }
}

/** out, x, dy, rows, cols, rows a piece: row `piece` of out is the sum over the piece's rows of x ⊙ dy. */
export function columnProducts(args: usize, piece: i32): void {
  const cols = word(args, 4), block = word(args, 5);
  const out = address(args, 0) + (<usize>(piece * cols) << 2);
  memory.fill(out, 0, <usize>cols << 2);
  const end = min(word(args, 3), (piece + 1) * block);
  for (let row = piece * block; row < end; row++) {
    const offset = <usize>(row * cols) << 2;
    const x = address(args, 1) + offset, dy = address(args, 2) + offset;
    let i = 0;
    for (; i + 4 <= cols; i += 4) {
      const at = <usize>i << 2;
      v128.store(out + at, fma(v128.load(x + at), v128.load(dy + at), v128.load(out + at)));
    }
    for (; i < cols; i++) {
      const at = <usize>i << 2;
      store<f32>(out + at, load<f32>(out + at) + load<f32>(x + at) * load<f32>(dy + at));
    }
  }
}

/** out, y, z, N, H, D, factor: each head times factor · σ(z); a piece is 16 rows. */
export function headGate(args: usize, piece: i32): void {
  const H = word(args, 4), D = word(args, 5);
  const end = min(word(args, 3), (piece + 1) * 16) * H;
  for (let head = piece * 16 * H; head < end; head++) {
    const at = <usize>(head * D) << 2;
    const gate = number(args, 6) / (<f32>1 + exp1(-load<f32>(address(args, 2) + (<usize>head << 2))));
    scaleRow(address(args, 0) + at, address(args, 1) + at, gate, D);
  }
}

/** dz, y, z, dout, N, H, D, factor */
export function headGateBack(args: usize, piece: i32): void {
  const H = word(args, 5), D = word(args, 6);
  const end = min(word(args, 4), (piece + 1) * 16) * H;
  for (let head = piece * 16 * H; head < end; head++) {
    const at = <usize>(head * D) << 2;
    const s = <f32>1 / (<f32>1 + exp1(-load<f32>(address(args, 2) + (<usize>head << 2))));
    const along = dotRow(address(args, 1) + at, address(args, 3) + at, D);
    store<f32>(address(args, 0) + (<usize>head << 2), number(args, 7) * s * (<f32>1 - s) * along);
  }
}

/** out, x, marked, rows, cols: x's rows, zeros where the mark is 0; a piece is 64 rows. */
export function maskRows(args: usize, piece: i32): void {
  const bytes = <usize>word(args, 4) << 2;
  const end = min(word(args, 3), (piece + 1) * 64);
  for (let row = piece * 64; row < end; row++) {
    const at = <usize>row * bytes;
    if (load<i32>(address(args, 2) + (<usize>row << 2))) {
      memory.copy(address(args, 0) + at, address(args, 1) + at, bytes);
    } else memory.fill(address(args, 0) + at, 0, bytes);
  }
}

/** out, x, rows, R, parts, and the parts' scales: each part's R columns times its own; a piece is 64 rows. */
export function scaleParts(args: usize, piece: i32): void {
  const R = word(args, 3), parts = word(args, 4);
  const end = min(word(args, 2), (piece + 1) * 64);
  for (let row = piece * 64; row < end; row++) {
    for (let m = 0; m < parts; m++) {
      const at = <usize>((row * parts + m) * R) << 2;
      scaleRow(address(args, 0) + at, address(args, 1) + at, number(args, 5 + m), R);
    }
  }
}

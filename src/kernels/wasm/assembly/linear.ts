/** @file Matrix products cut into independent strips of up to 384 rows and eight columns. */

import { strip } from "./product";

const ROWS: i32 = 384;

/**
 * out, a, b, rows, cols, depth, aRow, aStep, bRow, bStep, scale; strides in numbers. A piece is a strip.
 */
export function multiply(args: usize, piece: i32, scratch: usize): void {
  const rows = load<i32>(args, 12),
    cols = load<i32>(args, 16);
  const across = (cols + 7) / 8;
  const row = (piece / across) * ROWS,
    col = (piece % across) * 8;
  const aRow = load<i32>(args, 24),
    aStep = load<i32>(args, 28),
    bRow = load<i32>(args, 32),
    bStep = load<i32>(args, 36);
  strip(
    load<usize>(args) + ((<usize>(row * cols + col)) << 2),
    cols,
    min(ROWS, rows - row),
    min(8, cols - col),
    false,
    load<f32>(args, 40),
    scratch,
    load<usize>(args, 4) + ((<usize>(row * aRow)) << 2),
    aRow,
    aStep,
    load<usize>(args, 8) + ((<usize>(col * bStep)) << 2),
    bRow,
    bStep,
    load<i32>(args, 20),
    0,
    0,
    0,
    0,
    0,
    0,
  );
}

/** out, x, w, u, b, a, N, O, I, R: x · wᵀ + u · bᵀ; a is not read. A piece is a strip. */
export function loraLinear(args: usize, piece: i32, scratch: usize): void {
  const N = load<i32>(args, 24),
    O = load<i32>(args, 28),
    I = load<i32>(args, 32),
    R = load<i32>(args, 36);
  const across = (O + 7) / 8;
  const row = (piece / across) * ROWS,
    col = (piece % across) * 8;
  strip(
    load<usize>(args) + ((<usize>(row * O + col)) << 2),
    O,
    min(ROWS, N - row),
    min(8, O - col),
    false,
    1,
    scratch,
    load<usize>(args, 4) + ((<usize>(row * I)) << 2),
    I,
    1,
    load<usize>(args, 8) + ((<usize>(col * I)) << 2),
    1,
    I,
    I,
    load<usize>(args, 12) + ((<usize>(row * R)) << 2),
    R,
    load<usize>(args, 16) + ((<usize>(col * R)) << 2),
    1,
    R,
    R,
  );
}

/** out, dy, w, du, a, N, O, I, R: dy · w + du · a. A piece is a strip. */
export function loraBack(args: usize, piece: i32, scratch: usize): void {
  const N = load<i32>(args, 20),
    O = load<i32>(args, 24),
    I = load<i32>(args, 28),
    R = load<i32>(args, 32);
  const across = (I + 7) / 8;
  const row = (piece / across) * ROWS,
    col = (piece % across) * 8;
  strip(
    load<usize>(args) + ((<usize>(row * I + col)) << 2),
    I,
    min(ROWS, N - row),
    min(8, I - col),
    false,
    1,
    scratch,
    load<usize>(args, 4) + ((<usize>(row * O)) << 2),
    O,
    1,
    load<usize>(args, 8) + ((<usize>col) << 2),
    I,
    1,
    O,
    load<usize>(args, 12) + ((<usize>(row * R)) << 2),
    R,
    load<usize>(args, 16) + ((<usize>col) << 2),
    I,
    1,
    R,
  );
}

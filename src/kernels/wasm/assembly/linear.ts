/** @file Matrix products cut into independent strips of up to 384 rows and eight columns. */

import { address, word } from "./args";
import { strip, THIN, thinStrip } from "./product";

const ROWS: i32 = 384;

/** The address of number i from `base` on. */
// @ts-ignore: decorator
@inline
function place(base: usize, i: i32): usize {
  return base + (<usize>i << 2);
}

/**
 * out, a, b, scale, cRow, aRow, aStep, bRow, bStep, and of each product rows, cols, depth, c, a, b (first places);
 * strides and places in numbers. A piece is a strip, those of the first product first.
 */
export function multiply(args: usize, piece: i32, scratch: usize): void {
  let part: usize = 9;
  let left = piece;
  let across = 0;
  for (;;) {
    across = (word(args, part + 1) + 7) / 8;
    const strips = ((word(args, part) + ROWS - 1) / ROWS) * across;
    if (left < strips) break;
    left -= strips;
    part += 6;
  }
  const rows = word(args, part), cols = word(args, part + 1), depth = word(args, part + 2);
  const row = (left / across) * ROWS, col = (left % across) * 8;
  const cRow = word(args, 4), aRow = word(args, 5), bStep = word(args, 8);
  if (rows <= THIN && word(args, 6) == 1 && word(args, 7) == 1) {
    thinStrip(
      place(address(args, 0), word(args, part + 3) + col), cRow, rows, min(8, cols - col), load<f32>(args, 12),
      place(address(args, 1), word(args, part + 4)), aRow, place(address(args, 2), word(args, part + 5) + col * bStep),
      bStep, depth, 0, 0, 0, 0, 0, 0,
    );
    return;
  }
  strip(
    place(address(args, 0), word(args, part + 3) + row * cRow + col), cRow,
    min(ROWS, rows - row), min(8, cols - col), false, load<f32>(args, 12), scratch,
    place(address(args, 1), word(args, part + 4) + row * aRow), aRow, word(args, 6),
    place(address(args, 2), word(args, part + 5) + col * bStep), word(args, 7), bStep, depth,
    0, 0, 0, 0, 0, 0, 0, 0, 0, false,
  );
}

/** out, x, w, scale, N, O, I, format, words: scale · x · wᵀ, w packed. A piece is a strip. */
export function packedLinear(args: usize, piece: i32, scratch: usize): void {
  const N = word(args, 4), O = word(args, 5), I = word(args, 6);
  const across = (O + 7) / 8;
  const row = (piece / across) * ROWS, col = (piece % across) * 8;
  if (N <= THIN) {
    thinStrip(
      place(address(args, 0), col), O, N, min(8, O - col), load<f32>(args, 12), address(args, 1), I,
      place(address(args, 2), col * word(args, 8)), word(args, 8), I, 0, 0, 0, 0, 0, word(args, 7),
    );
    return;
  }
  strip(
    place(address(args, 0), row * O + col), O, min(ROWS, N - row), min(8, O - col), false, load<f32>(args, 12), scratch,
    place(address(args, 1), row * I), I, 1, address(args, 2), 0, 0, I,
    0, 0, 0, 0, 0, 0, word(args, 7), word(args, 8), col, true,
  );
}

/** out, dy, w, scale, N, O, I, format, words: scale · dy · w, w packed. A piece is a strip. */
export function packedBack(args: usize, piece: i32, scratch: usize): void {
  const N = word(args, 4), O = word(args, 5), I = word(args, 6);
  const across = (I + 7) / 8;
  const row = (piece / across) * ROWS, col = (piece % across) * 8;
  strip(
    place(address(args, 0), row * I + col), I, min(ROWS, N - row), min(8, I - col), false, load<f32>(args, 12), scratch,
    place(address(args, 1), row * O), O, 1, address(args, 2), 0, 0, O,
    0, 0, 0, 0, 0, 0, word(args, 7), word(args, 8), col, false,
  );
}

/**
 * out, x, w, u, b, a, N, O, I, R, parts, format, words, and the parts' rows of w: x · wᵀ, and for each part + u_m · b_mᵀ;
 * a is not read. A piece is a strip of one part.
 */
export function loraLinear(args: usize, piece: i32, scratch: usize): void {
  const N = word(args, 6), O = word(args, 7), I = word(args, 8), R = word(args, 9), parts = word(args, 10);
  const down = (N + ROWS - 1) / ROWS;
  let part = 0, first = 0, left = piece, across = 0;
  for (;;) {
    across = (word(args, 13 + part) + 7) / 8;
    if (left < down * across) break;
    left -= down * across;
    first += word(args, 13 + part);
    part++;
  }
  const row = (left / across) * ROWS, within = (left % across) * 8;
  const col = first + within;
  const U = R * parts;
  const format = word(args, 11);
  const cols = min(8, word(args, 13 + part) - within);
  if (N <= THIN) {
    const stride = word(args, 12); // of a row of w, in words: numbers where it is plain
    thinStrip(
      place(address(args, 0), col), O, N, cols, 1, address(args, 1), I, place(address(args, 2), col * stride), stride, I,
      place(address(args, 3), part * R), U, place(address(args, 4), col * R), R, R, format,
    );
    return;
  }
  strip(
    place(address(args, 0), row * O + col), O, min(ROWS, N - row), cols, false, 1, scratch,
    place(address(args, 1), row * I), I, 1, format == 0 ? place(address(args, 2), col * I) : address(args, 2), 1, I, I,
    place(address(args, 3), row * U + part * R), U, place(address(args, 4), col * R), 1, R, R,
    format, word(args, 12), col, true,
  );
}

/** out, dy, w, du, a, N, O, I, U, format, words: dy · w + du · a. A piece is a strip. */
export function loraBack(args: usize, piece: i32, scratch: usize): void {
  const N = word(args, 5), O = word(args, 6), I = word(args, 7), U = word(args, 8), format = word(args, 9);
  const across = (I + 7) / 8;
  const row = (piece / across) * ROWS, col = (piece % across) * 8;
  strip(
    place(address(args, 0), row * I + col), I, min(ROWS, N - row), min(8, I - col), false, 1, scratch,
    place(address(args, 1), row * O), O, 1, format == 0 ? place(address(args, 2), col) : address(args, 2), I, 1, O,
    place(address(args, 3), row * U), U, place(address(args, 4), col), I, 1, U,
    format, word(args, 10), col, false,
  );
}

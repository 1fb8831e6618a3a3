/** @file The rows' squares of a weight, and of a weight and what a low-rank pair adds to it: adaptedNorms.ts. */

import { address, number, word } from "./args";
import { dotRow } from "./norms";
import { blockBytes, one, unpack32 } from "./packed";
import { fma, splat, sumLanes } from "./simd";

/** Σ of the squares of a packed row's numbers; `spare` is working memory of 128 bytes. */
function packedSquares(row: usize, width: i32, format: i32, spare: usize): f32 {
  let sum = splat(0);
  let at = row;
  let i = 0;
  for (; i + 32 <= width; i += 32) {
    unpack32(spare, at, format);
    for (let j: usize = 0; j < 128; j += 16) {
      const x = v128.load(spare + j);
      sum = fma(x, x, sum);
    }
    at += blockBytes(format);
  }
  let total = sumLanes(sum);
  for (let j = 0; i + j < width; j++) {
    const x = one(at, format, j);
    total += x * x;
  }
  return total;
}

/** out, w, O, I, words, format; a piece is 16 rows. */
export function rowSquares(args: usize, piece: i32, scratch: usize): void {
  const width = word(args, 3), format = word(args, 5);
  const end = min(word(args, 2), (piece + 1) * 16);
  for (let o = piece * 16; o < end; o++) {
    const row = address(args, 1) + (<usize>(o * word(args, 4)) << 2);
    const sum = format == 0 ? dotRow(row, row, width) : packedSquares(row, width, format, scratch);
    store<f32>(address(args, 0) + (<usize>o << 2), sum);
  }
}

/**
 * out, squares, b, p, gram, w, a, O, R, parts, cut1, cut2, and the parts' scales; w and a are not read. A piece is 64
 * rows.
 */
export function adaptedNorms(args: usize, piece: i32): void {
  const O = word(args, 7), R = word(args, 8);
  const U = R * word(args, 9);
  const end = min(O, (piece + 1) * 64);
  for (let o = piece * 64; o < end; o++) {
    const part = i32(o >= word(args, 10)) + i32(o >= word(args, 11));
    const s = number(args, 12 + part);
    const b = address(args, 2) + (<usize>(o * R) << 2);
    let sum = load<f32>(address(args, 1) + (<usize>o << 2));
    for (let k = 0; k < R; k++) {
      const at = part * R + k;
      const inner = dotRow(address(args, 4) + (<usize>(at * U + part * R) << 2), b, R);
      const across = load<f32>(address(args, 3) + (<usize>(at * O + o) << 2));
      sum += s * load<f32>(b + (<usize>k << 2)) * (2 * across + s * inner);
    }
    store<f32>(address(args, 0) + (<usize>o << 2), sqrt<f32>(max<f32>(sum, 0)));
  }
}

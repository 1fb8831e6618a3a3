/**
 * @file How the numbers of a weight matrix [out, in] lie in 32-bit words, row by row.
 *
 *   f16    blocks of 32 along `in`: 16 words of two f16
 *   int8   blocks of 32 along `in`: a word of two f16, d and m, then 8 words of signed bytes;    w = d · code + m
 *   q4     blocks of 32 along `in`: a word of two f16, d and m, then 4 words of half bytes;      w = d · code + m
 *
 * In q4 byte j holds place j in its low half and place j + 16 in its high half, as GGUF's Q4_1 has it (ggml's
 * block_q4_1), so that such a file's blocks need no repacking; Q4_0 is the case m = −8 d. Rows are padded to whole
 * blocks.
 */

import { fromHalf, toHalf } from "./float16";

export const weightFormats = ["f32", "f16", "int8", "q4"] as const;
export type WeightFormat = (typeof weightFormats)[number];

/** Numbers in a block of the quantised formats. */
const block = 32;

/** 32-bit words that a row of `width` numbers takes. */
export function wordsOf(format: WeightFormat, width: number): number {
  if (format === "f32") return width;
  return Math.ceil(width / block) * { f16: 16, int8: 9, q4: 5 }[format];
}

/** The words of a matrix [out, in]; quantised by rounding to the nearest of each block's own steps. */
export function packWeight(values: Float32Array, [out, width]: [number, number], format: WeightFormat): Int32Array {
  const words = wordsOf(format, width);
  const packed = new Int32Array(out * words);
  for (let row = 0; row < out; row++) {
    packRow(values.subarray(row * width, (row + 1) * width), packed.subarray(row * words, (row + 1) * words), format);
  }
  return packed;
}

function packRow(row: Float32Array, to: Int32Array, format: WeightFormat): void {
  if (format === "f16") {
    for (let i = 0; i < to.length; i++) to[i] = toHalf(row[2 * i] ?? 0) | (toHalf(row[2 * i + 1] ?? 0) << 16);
    return;
  }
  const stride = format === "int8" ? 9 : 5;
  for (let from = 0, at = 0; from < row.length; from += block, at += stride) {
    const part = row.subarray(from, from + block);
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (const value of part) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    const isInt8 = format === "int8";
    const d = toHalf(isInt8 ? Math.max(-least, most) / 127 : (most - least) / 15);
    const m = isInt8 ? 0 : toHalf(least);
    to[at] = d | (m << 16);
    const step = fromHalf(d);
    const base = fromHalf(m);
    const [low, high] = isInt8 ? [-127, 127] : [0, 15];
    part.forEach((value, j) => {
      const code = step === 0 ? 0 : Math.min(high, Math.max(low, Math.round((value - base) / step)));
      const word = at + 1 + (isInt8 ? j >> 2 : (j & 15) >> 2);
      to[word] = (to[word] ?? 0) | (isInt8 ? (code & 255) << (8 * (j & 3)) : code << (8 * (j & 3) + 4 * (j >> 4)));
    });
  }
}

/** The numbers that packed words stand for: [out, width]. */
export function unpackWeight(packed: Int32Array, width: number, format: WeightFormat): Float32Array {
  const words = wordsOf(format, width);
  const out = packed.length / words;
  const values = new Float32Array(out * width);
  for (let row = 0; row < out; row++) {
    for (let i = 0; i < width; i++) values[row * width + i] = numberAt(packed, row * words, i, format);
  }
  return values;
}

function numberAt(packed: Int32Array, row: number, i: number, format: WeightFormat): number {
  const half = (word: number, which: number) => fromHalf(((packed[word] ?? 0) >>> (16 * which)) & 0xffff);
  if (format === "f16") return half(row + (i >> 1), i & 1);
  const j = i % block;
  const at = row + Math.floor(i / block) * (format === "int8" ? 9 : 5);
  const word = packed[at + 1 + (format === "int8" ? j >> 2 : (j & 15) >> 2)] ?? 0;
  const code = format === "int8" ? (word << (24 - 8 * (j & 3))) >> 24 : (word >>> (8 * (j & 3) + 4 * (j >> 4))) & 15;
  return half(at, 0) * code + half(at, 1);
}

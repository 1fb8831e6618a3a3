/**
 * @file How the numbers of a weight matrix [out, in] lie in 32-bit words, row by row.
 *
 *   f16    blocks of 32 along `in`: 16 words of two f16
 *   int8   blocks of 32 along `in`: a word of two f16, d and m, then 8 words of signed bytes;    w = d · code + m
 *   q4     blocks of 32 along `in`: a word of two f16, d and m, then 4 words of half bytes;      w = d · code + m
 *   nf4    blocks of 32 along `in`: a word of two f16, d and 0, then 4 words of half bytes;      w = d · level[code]
 *
 * In q4 and nf4 byte j holds place j in its low half and place j + 16 in its high half, as GGUF's Q4_1 has it (ggml's
 * block_q4_1), so that such a file's blocks need no repacking; Q4_0 is the case m = −8 d. Rows are padded to whole
 * blocks.
 *
 * nf4 is the 4-bit NormalFloat of QLoRA (Dettmers et al. 2023, arXiv 2305.14314, appendix E). d is the largest magnitude
 * of the block. bitsandbytes shares a magnitude among 64 numbers; we do among 32, as every other packing here, so that
 * the kernels know one kind of block: 5 bits a number as in q4. On normal weights it errs by 8.7 % (in blocks of 64 by
 * 9.2 %), equal steps without an m by 9.7 %, and q4, whose blocks have a least number of their own, by 7.8 %.
 */

import { fromHalf, toHalf } from "./float16";

export const weightFormats = ["f32", "f16", "int8", "q4", "nf4"] as const;
export type WeightFormat = (typeof weightFormats)[number];

/** What nf4's codes stand for, in parts of the block's largest magnitude. */
export const normalFloat4 = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
] as const;
/** Above the i-th of them level i + 1 is nearer than level i. */
const betweenLevels = normalFloat4.slice(1).map((level, i) => (level + (normalFloat4[i] ?? 0)) / 2);

/** Numbers in a block of the quantised formats. */
const block = 32;

/** 32-bit words that a row of `width` numbers takes. */
export function wordsOf(format: WeightFormat, width: number): number {
  if (format === "f32") return width;
  return Math.ceil(width / block) * { f16: 16, int8: 9, q4: 5, nf4: 5 }[format];
}

/** The words of a matrix [out, in]; quantised by rounding to the nearest number that each block can hold. */
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
    if (format === "nf4") packLevels(part, to.subarray(at, at + stride));
    else packSteps(part, to.subarray(at, at + stride), format === "int8");
  }
}

/** A block of int8 or q4: equal steps from m on. */
function packSteps(part: Float32Array, to: Int32Array, isInt8: boolean): void {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of part) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const d = toHalf(isInt8 ? Math.max(-least, most) / 127 : (most - least) / 15);
  const m = isInt8 ? 0 : toHalf(least);
  to[0] = d | (m << 16);
  const step = fromHalf(d);
  const base = fromHalf(m);
  const [low, high] = isInt8 ? [-127, 127] : [0, 15];
  part.forEach((value, j) => {
    const code = step === 0 ? 0 : Math.min(high, Math.max(low, Math.round((value - base) / step)));
    if (isInt8) to[1 + (j >> 2)] = (to[1 + (j >> 2)] ?? 0) | ((code & 255) << (8 * (j & 3)));
    else putHalfByte(to, j, code);
  });
}

/** A block of nf4: the level nearest to each number, of two equally near the lower. */
function packLevels(part: Float32Array, to: Int32Array): void {
  let most = 0;
  for (const value of part) most = Math.max(most, Math.abs(value)); // NaN stays, so that it shows
  const d = toHalf(most);
  to[0] = d;
  const scale = fromHalf(d) || 1; // a block of zeros has level 0 throughout
  part.forEach((value, j) => {
    const share = value / scale;
    let code = 0; // how many borders lie below it: halving 15 of them takes four looks
    for (let half = 8; half > 0; half >>= 1) {
      if (share > (betweenLevels[code + half - 1] ?? 0)) code += half;
    }
    putHalfByte(to, j, code);
  });
}

function putHalfByte(to: Int32Array, j: number, code: number): void {
  const word = 1 + ((j & 15) >> 2);
  to[word] = (to[word] ?? 0) | (code << (8 * (j & 3) + 4 * (j >> 4)));
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
  return format === "nf4" ? half(at, 0) * (normalFloat4[code] ?? 0) : half(at, 0) * code + half(at, 1);
}

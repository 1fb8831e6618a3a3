/**
 * @file How ggml's types lay numbers in blocks, and the numbers they stand for.
 *
 * Bit for bit what gguf-py's `gguf.quants.dequantize` gives: every product and sum here is exact in double precision and
 * is rounded to f32 once, where the original rounds. Source of the layouts: ggml-common.h and ggml-quants.c of
 * https://github.com/ggml-org/ggml.
 */

import { widenHalf } from "../core/float16";

type Bytes = Uint8Array<ArrayBuffer>;
type Decode = (bytes: Bytes, to: Float32Array) => void;

let table: Float32Array | undefined;

/** What each of the 65,536 halves is. */
const listHalves = (): Float32Array => {
  table ??= widenHalf(Uint16Array.from({ length: 65536 }, (_, i) => i));
  return table;
};

export const decodeF16 = (from: Uint16Array, to: Float32Array): void => {
  const halves = listHalves();
  for (let i = 0; i < from.length; i++) to[i] = halves[from[i] ?? 0] ?? 0;
};

/** d, 16 bytes of two codes each: d · (code − 8). The low halves are places 0 … 15, the high ones 16 … 31. */
export const decodeQ4_0: Decode = (bytes, to) => {
  const halves = listHalves();
  for (let at = 0, out = 0; at < bytes.length; at += 18, out += 32) {
    const d = halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
    for (let j = 0; j < 16; j++) {
      const codes = bytes[at + 2 + j] ?? 0;
      to[out + j] = d * ((codes & 15) - 8);
      to[out + j + 16] = d * ((codes >> 4) - 8);
    }
  }
};

/** d, m, codes as in Q4_0: d · code + m. */
export const decodeQ4_1: Decode = (bytes, to) => {
  const halves = listHalves();
  for (let at = 0, out = 0; at < bytes.length; at += 20, out += 32) {
    const d = halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
    const m = halves[(bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)] ?? 0;
    for (let j = 0; j < 16; j++) {
      const codes = bytes[at + 4 + j] ?? 0;
      to[out + j] = d * (codes & 15) + m;
      to[out + j + 16] = d * (codes >> 4) + m;
    }
  }
};

/** d, 32 fifth bits, codes as in Q4_0: d · (code − 16). */
export const decodeQ5_0: Decode = (bytes, to) => {
  const halves = listHalves();
  for (let at = 0, out = 0; at < bytes.length; at += 22, out += 32) {
    const d = halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
    const fifths = word(bytes, at + 2);
    for (let j = 0; j < 16; j++) {
      const codes = bytes[at + 6 + j] ?? 0;
      to[out + j] = d * (((codes & 15) | (((fifths >>> j) & 1) << 4)) - 16);
      to[out + j + 16] = d * (((codes >> 4) | (((fifths >>> (j + 16)) & 1) << 4)) - 16);
    }
  }
};

/** d, m, 32 fifth bits, codes as in Q4_0: d · code + m. */
export const decodeQ5_1: Decode = (bytes, to) => {
  const halves = listHalves();
  for (let at = 0, out = 0; at < bytes.length; at += 24, out += 32) {
    const d = halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
    const m = halves[(bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)] ?? 0;
    const fifths = word(bytes, at + 4);
    for (let j = 0; j < 16; j++) {
      const codes = bytes[at + 8 + j] ?? 0;
      to[out + j] = d * ((codes & 15) | (((fifths >>> j) & 1) << 4)) + m;
      to[out + j + 16] = d * ((codes >> 4) | (((fifths >>> (j + 16)) & 1) << 4)) + m;
    }
  }
};

/** d, 32 signed bytes: d · code. */
export const decodeQ8_0: Decode = (bytes, to) => {
  const halves = listHalves();
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0, out = 0; at < bytes.length; at += 34, out += 32) {
    const d = halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
    for (let j = 0; j < 32; j++) to[out + j] = d * (codes[at + 2 + j] ?? 0);
  }
};

const word = (bytes: Bytes, at: number) =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);

/** The 6-bit scale and minimum of the eight parts of a Q4_K or Q5_K block, which lie in 12 bytes from `at` on. */
function readScales(bytes: Bytes, at: number, scales: Uint8Array, minima: Uint8Array): void {
  for (let j = 0; j < 4; j++) {
    const low = bytes[at + j] ?? 0;
    const middle = bytes[at + 4 + j] ?? 0;
    const high = bytes[at + 8 + j] ?? 0;
    scales[j] = low & 63;
    minima[j] = middle & 63;
    scales[j + 4] = (high & 15) | ((low >> 2) & 48);
    minima[j + 4] = (high >> 4) | ((middle >> 2) & 48);
  }
}

/** d, dmin, 12 bytes of scales and minima, 128 bytes of codes: d · scale · code − dmin · minimum, in parts of 32. */
export const decodeQ4_K: Decode = (bytes, to) => {
  const halves = listHalves();
  const scales = new Uint8Array(8);
  const minima = new Uint8Array(8);
  for (let at = 0, out = 0; at < bytes.length; at += 144) {
    const d = halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
    const dmin = halves[(bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)] ?? 0;
    readScales(bytes, at + 4, scales, minima);
    for (let part = 0; part < 8; part++, out += 32) {
      const step = d * (scales[part] ?? 0);
      const least = dmin * (minima[part] ?? 0);
      const codes = at + 16 + 32 * (part >> 1);
      const shift = 4 * (part & 1);
      for (let j = 0; j < 32; j++) to[out + j] = step * (((bytes[codes + j] ?? 0) >> shift) & 15) - least;
    }
  }
};

/** As Q4_K with 32 bytes of fifth bits before the codes, bit p of byte j for place j of part p. */
export const decodeQ5_K: Decode = (bytes, to) => {
  const halves = listHalves();
  const scales = new Uint8Array(8);
  const minima = new Uint8Array(8);
  for (let at = 0, out = 0; at < bytes.length; at += 176) {
    const d = halves[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
    const dmin = halves[(bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)] ?? 0;
    readScales(bytes, at + 4, scales, minima);
    for (let part = 0; part < 8; part++, out += 32) {
      const step = d * (scales[part] ?? 0);
      const least = dmin * (minima[part] ?? 0);
      const codes = at + 48 + 32 * (part >> 1);
      const shift = 4 * (part & 1);
      for (let j = 0; j < 32; j++) {
        const fifth = ((bytes[at + 16 + j] ?? 0) >> part) & 1;
        to[out + j] = step * ((((bytes[codes + j] ?? 0) >> shift) & 15) | (fifth << 4)) - least;
      }
    }
  }
};

/** 128 bytes of low four bits, 64 of high two, 16 signed scales, d: d · scale · (code − 32), in parts of 16. */
export const decodeQ6_K: Decode = (bytes, to) => {
  const halves = listHalves();
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0, out = 0; at < bytes.length; at += 210) {
    const d = halves[(bytes[at + 208] ?? 0) | ((bytes[at + 209] ?? 0) << 8)] ?? 0;
    for (let part = 0; part < 16; part++, out += 16) {
      const step = d * (signed[at + 192 + part] ?? 0);
      const half = part >> 3; // of the block: 128 numbers in 64 bytes of low bits and 32 of high ones
      const quarter = (part >> 1) & 3;
      const place = 16 * (part & 1);
      const low = at + 64 * half + 32 * (quarter & 1) + place;
      const high = at + 128 + 32 * half + place;
      const lowShift = 4 * (quarter >> 1);
      for (let j = 0; j < 16; j++) {
        const code =
          (((bytes[low + j] ?? 0) >> lowShift) & 15) | ((((bytes[high + j] ?? 0) >> (2 * quarter)) & 3) << 4);
        to[out + j] = step * (code - 32);
      }
    }
  }
};

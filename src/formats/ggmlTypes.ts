/** @file The types of ggml's tensors by their number in a GGUF file, and the packing that holds each without loss. */

import { fromHalf, toHalf, widenBfloat16 } from "../core/float16";
import {
  decodeF16,
  decodeQ4_0,
  decodeQ4_1,
  decodeQ4_K,
  decodeQ5_0,
  decodeQ5_1,
  decodeQ5_K,
  decodeQ6_K,
  decodeQ8_0,
} from "./ggmlBlocks";
import type { NumberType } from "./weightFiles";

type Bytes = Uint8Array<ArrayBuffer>;

/** The bytes as whole elements; copied where they do not begin at a multiple of `size`. */
export function aligned(bytes: Bytes, size: number): [buffer: ArrayBuffer, offset: number, length: number] {
  const whole = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return [whole.buffer, whole.byteOffset, Math.floor(whole.length / size)];
}

/** The words are the file's bytes as they stand. */
const same = (bytes: Bytes, to: Int32Array): boolean => {
  new Uint8Array(to.buffer, to.byteOffset, to.byteLength).set(bytes);
  return true;
};

/** The half that is −8 times a half; infinite where there is none. */
let eightfold: Uint16Array | undefined;

/** d · (code − 8) is d · code + m with m = −8 d, which is exact but where it leaves the range of a half. */
const packQ4_0 = (bytes: Bytes, to: Int32Array): boolean => {
  eightfold ??= Uint16Array.from({ length: 65536 }, (_, half) => toHalf(-8 * fromHalf(half)));
  for (let at = 0, out = 0; at < bytes.length; at += 18, out += 5) {
    const d = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    const m = eightfold[d] ?? 0;
    if ((m & 0x7c00) === 0x7c00) return false;
    to[out] = d | (m << 16);
    packBytes(bytes, at + 2, to, out + 1, 4);
  }
  return true;
};

const packQ8_0 = (bytes: Bytes, to: Int32Array): boolean => {
  for (let at = 0, out = 0; at < bytes.length; at += 34, out += 9) {
    to[out] = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    packBytes(bytes, at + 2, to, out + 1, 8);
  }
  return true;
};

function packBytes(bytes: Bytes, from: number, to: Int32Array, out: number, words: number): void {
  for (let word = 0, at = from; word < words; word++, at += 4) {
    to[out + word] =
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  }
}

const q4 = (pack: (bytes: Bytes, to: Int32Array) => boolean) => ({ format: "q4" as const, pack });

/** Shared with safetensors. */
export const f32: NumberType = {
  name: "F32",
  block: 1,
  bytes: 4,
  decode: (bytes, to) => {
    to.set(new Float32Array(...aligned(bytes, 4)));
  },
  packing: null,
};
export const f16: NumberType = {
  name: "F16",
  block: 1,
  bytes: 2,
  decode: (bytes, to) => {
    decodeF16(new Uint16Array(...aligned(bytes, 2)), to);
  },
  packing: { format: "f16", pack: same },
};
export const bf16: NumberType = {
  name: "BF16",
  block: 1,
  bytes: 2,
  decode: (bytes, to) => {
    to.set(widenBfloat16(new Uint16Array(...aligned(bytes, 2))));
  },
  packing: null,
};

/** Those we read, by ggml's number (enum ggml_type in ggml.h). */
export const ggmlTypes: ReadonlyMap<number, NumberType> = new Map<number, NumberType>([
  [0, f32],
  [1, f16],
  [2, { name: "Q4_0", block: 32, bytes: 18, decode: decodeQ4_0, packing: q4(packQ4_0) }],
  [3, { name: "Q4_1", block: 32, bytes: 20, decode: decodeQ4_1, packing: q4(same) }],
  [6, { name: "Q5_0", block: 32, bytes: 22, decode: decodeQ5_0, packing: null }],
  [7, { name: "Q5_1", block: 32, bytes: 24, decode: decodeQ5_1, packing: null }],
  [8, { name: "Q8_0", block: 32, bytes: 34, decode: decodeQ8_0, packing: { format: "int8", pack: packQ8_0 } }],
  [12, { name: "Q4_K", block: 256, bytes: 144, decode: decodeQ4_K, packing: null }],
  [13, { name: "Q5_K", block: 256, bytes: 176, decode: decodeQ5_K, packing: null }],
  [14, { name: "Q6_K", block: 256, bytes: 210, decode: decodeQ6_K, packing: null }],
  [30, bf16],
]);

/** Those we do not read, so that a message can name them. */
export const otherGgmlTypes: ReadonlyMap<number, string> = new Map([
  [9, "Q8_1"],
  [10, "Q2_K"],
  [11, "Q3_K"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [20, "IQ4_NL"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
  [40, "NVFP4"],
  [41, "Q1_0"],
]);

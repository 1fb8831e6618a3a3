/**
 * @file Rows of numbers as ggml's blocks: the inverse of ggmlBlocks.ts, for the types we write.
 *
 * Bit for bit what gguf-py's `gguf.quants.quantize` gives, and with it ggml's own reference (quantize_row_q8_0_ref and
 * quantize_row_q4_0_ref of ggml-quants.c, https://github.com/ggml-org/ggml): each operation is rounded to f32, as there.
 */

import type { GgufWeightType } from "../core/exportFormat";
import { narrowHalf, toHalf } from "../core/float16";

/** ggml's number of a type, the numbers in a block and its bytes. */
export const ggmlLayout: Record<GgufWeightType, { number: number; block: number; bytes: number }> = {
  F32: { number: 0, block: 1, bytes: 4 },
  F16: { number: 1, block: 1, bytes: 2 },
  Q8_0: { number: 8, block: 32, bytes: 34 },
  Q4_0: { number: 2, block: 32, bytes: 18 },
};

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** One over d, in f32; 0 where d is 0. */
const inverse = (d: number): number => (d === 0 ? 0 : Math.fround(1 / d));

function putHalf(to: Uint8Array, at: number, value: number): void {
  const half = toHalf(value);
  to[at] = half & 255;
  to[at + 1] = half >> 8;
}

/** d = the largest magnitude / 127, then 32 codes: x / d, halves rounded away from zero. */
function encodeQ8_0(values: Float32Array, to: Uint8Array): void {
  for (let at = 0, out = 0; at < values.length; at += 32, out += 34) {
    let most = 0;
    for (let j = 0; j < 32; j++) most = Math.max(most, Math.abs(values[at + j] ?? 0)); // NaN stays, so that it shows
    const d = Math.fround(most / 127);
    const scale = inverse(d);
    putHalf(to, out, d);
    for (let j = 0; j < 32; j++) {
      const x = Math.fround((values[at + j] ?? 0) * scale);
      const whole = Math.floor(Math.abs(x));
      const code = whole + Math.floor(2 * (Math.abs(x) - whole));
      to[out + 2 + j] = x < 0 ? -code : code;
    }
  }
}

/** d = the number of largest magnitude / −8, then 16 bytes of two codes each: x / d + 8, rounded. */
function encodeQ4_0(values: Float32Array, to: Uint8Array): void {
  for (let at = 0, out = 0; at < values.length; at += 32, out += 18) {
    let most = values[at] ?? 0;
    for (let j = 1; j < 32; j++) {
      const value = values[at + j] ?? 0;
      if (Math.abs(value) > Math.abs(most) || Number.isNaN(value)) most = value;
    }
    const d = Math.fround(most / -8);
    const scale = inverse(d);
    putHalf(to, out, d);
    const code = (j: number) => Math.min(15, Math.trunc(Math.fround(Math.fround((values[at + j] ?? 0) * scale) + 8.5)));
    for (let j = 0; j < 16; j++) to[out + 2 + j] = code(j) | (code(j + 16) << 4);
  }
}

/** The bytes of rows that are whole blocks. F32's are the numbers' own memory. */
export function encodeGgml(values: Float32Array, type: GgufWeightType): Uint8Array {
  if (type === "F32") return bytesOf(values);
  if (type === "F16") return bytesOf(narrowHalf(values));
  const { block, bytes } = ggmlLayout[type];
  const to = new Uint8Array((values.length / block) * bytes);
  (type === "Q8_0" ? encodeQ8_0 : encodeQ4_0)(values, to);
  return to;
}

/**
 * @file A weight matrix [out, in] as it lies on the device: plain numbers, or packed in 32-bit words, row by row.
 *
 *   f16    blocks of 32 along `in`: 16 words of two f16
 *   int8   blocks of 32 along `in`: a word of two f16, d and m, then 8 words of signed bytes;    w = d · code + m
 *   q4     blocks of 32 along `in`: a word of two f16, d and m, then 4 words of half bytes;      w = d · code + m
 *
 * In q4 byte j holds place j in its low half and place j + 16 in its high half, as GGUF's Q4_1 has it (ggml's
 * block_q4_1), so that such a file's blocks need no repacking; Q4_0 is the case m = −8 d. Rows are padded to whole
 * blocks. tfjs sees an int32 tensor [out, words] that only our own kernels read.
 */

import { fromHalf, toHalf } from "../core/float16";
import type { Backend } from "./dispatch";
import { uploadOnGpu } from "./gpuView";
import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

export const formats = ["f32", "f16", "int8", "q4"] as const;
export type WeightFormat = (typeof formats)[number];

/** A matrix [out, in] on the device. */
export type Weight = { format: WeightFormat; width: number; values: tf.Tensor2D };

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

/** Puts a matrix on the device. Throws `memory.full` where no buffer of the device holds it. */
export function newWeight(values: Float32Array, shape: [number, number], format: WeightFormat = "f32"): Weight {
  const [out, width] = shape;
  const numbers = format === "f32" ? values : packWeight(values, shape, format);
  const laid: [number, number] = [out, wordsOf(format, width)];
  const dtype = format === "f32" ? "float32" : "int32";
  if (tf.getBackend() !== "webgpu" || numbers.length === 0) {
    return { format, width, values: tf.tensor2d(numbers, laid, dtype) };
  }
  const dataId = uploadOnGpu(tf.backend() as unknown as Backend, numbers, laid);
  const tensor = tf.engine().makeTensorFromTensorInfo({ dataId, shape: laid, dtype }, tf.backend());
  return { format, width, values: tensor as tf.Tensor2D };
}

/** What a kernel over packed words needs to know of them, as its attributes. */
export type Packing = { format: number; width: number };
export const packingOf = ({ format, width }: Weight): Packing => ({ format: formats.indexOf(format), width });
/** The way back. */
export const weightOf = (values: tf.Tensor2D, { format, width }: Packing): Weight => ({
  format: formats[format] ?? "f32",
  width,
  values,
});

/**
 * The matrix as plain numbers, for meanings. Reads the words at once, so on the CPU alone.
 */
export function dequantized(w: tf.Tensor2D, { format, width }: Packing): tf.Tensor2D {
  const name = formats[format] ?? "f32";
  if (name === "f32") return w;
  const { backend } = tf.engine() as unknown as { backend: { readSync: (id: object) => Int32Array } };
  return tf.tensor2d(unpackWeight(backend.readSync(w.dataId), width, name), [dim(w, 0), width]);
}

/** WGSL: `weightAt(row, i)`, one number of the words in the input `w`, of which a row has `words`. */
export function weightReader(format: number, w = "w"): string {
  const name = formats[format] ?? "f32";
  const words = `u32(uniforms.${w}Shape[1])`;
  if (name === "f32") return `fn weightAt(row: u32, i: u32) -> f32 { return ${w}[row * ${words} + i]; }`;
  if (name === "f16") {
    return `fn weightAt(row: u32, i: u32) -> f32 {
      return unpack2x16float(bitcast<u32>(${w}[row * ${words} + (i >> 1u)]))[i & 1u];
    }`;
  }
  const isInt8 = name === "int8";
  return `fn weightAt(row: u32, i: u32) -> f32 {
    let at = row * ${words} + (i >> 5u) * ${isInt8 ? 9 : 5}u;
    let scale = unpack2x16float(bitcast<u32>(${w}[at]));
    let j = i & 31u;
    ${
      isInt8
        ? `let code = extractBits(${w}[at + 1u + (j >> 2u)], 8u * (j & 3u), 8u);`
        : `let code = extractBits(bitcast<u32>(${w}[at + 1u + ((j & 15u) >> 2u)]), 8u * (j & 3u) + 4u * (j >> 4u), 4u);`
    }
    return fma(scale.x, f32(code), scale.y);
  }`;
}

const rowsForward = defineKernel({
  name: "WeightRows",
  inputs: ["w", "index"],
  reference: ({ w, index }: { w: tf.Tensor2D; index: tf.Tensor1D }, packing: Packing) =>
    tf.gather(dequantized(w, packing), index),
  gpu: ({ index }, { format, width }) => ({
    ...perElement([dim(index, 0), width]),
    constants: { format },
    wgsl: ({ format }) => `
      ${weightReader(Number(format))}
      fn main() {
        let cols = u32(uniforms.outShape[1]);
        let at = ${element};
        if (at >= u32(uniforms.outShape[0]) * cols) { return; }
        result[at] = weightAt(u32(index[at / cols]), at % cols);
      }`,
  }),
  wasm: ({ w, index }, { format, width }) => ({
    fn: "weightRows",
    outputShape: [dim(index, 0), width],
    work: Math.ceil(dim(index, 0) / 16),
    args: [dim(index, 0), width, dim(w, 1), format],
  }),
  cases: formats.flatMap((_, format) =>
    [
      { N: 4, M: 7, C: 3 },
      { N: 50, M: 33, C: 100 },
    ].map(({ N, M, C }) => ({
      shapes: { w: [N, C], index: [M] },
      attrs: { format, width: C },
      whole: { index: [N] },
      packed: { w: format },
    })),
  ),
});

export const kernels = [rowsForward];

/** The rows of a matrix that index [M] names, as plain numbers: [M, width]. No gradient comes back. */
export function weightRows(weight: Weight, index: tf.Tensor1D): tf.Tensor2D {
  return rowsForward({ w: weight.values, index }, packingOf(weight)) as tf.Tensor2D;
}

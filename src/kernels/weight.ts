/**
 * @file A weight matrix [out, in] as it lies on the device: plain numbers, or packed in 32-bit words as core/packing.ts
 * says. tfjs sees a packed one as an int32 tensor [out, words] that only our own kernels read.
 */

import { normalFloat4, packWeight, unpackWeight, type WeightFormat, weightFormats, wordsOf } from "../core/packing";
import type { Backend } from "./dispatch";
import { uploadOnGpu } from "./gpuView";
import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";
import { WasmBackend } from "./wasmBackend";

/** A matrix [out, in] on the device. */
export type Weight = { format: WeightFormat; width: number; values: tf.Tensor2D };

/** A matrix on the device whose rows are written little by little; rows never written hold anything. */
export type OpenWeight = {
  weight: Weight;
  /** Rows from `row` on, as plain numbers or, of a packed matrix, as its words. */
  write: (row: number, numbers: Float32Array | Int32Array) => void;
};

/** Makes room for a matrix [out, in] on the device. Throws `memory.full` where no buffer of it holds that. */
export function openWeight([out, width]: [number, number], format: WeightFormat): OpenWeight {
  const words = wordsOf(format, width);
  const laid: [number, number] = [out, words];
  const dtype = format === "f32" ? "float32" : "int32";
  if (tf.getBackend() === "webgpu" && out * words > 0) {
    const { dataId, write } = uploadOnGpu(tf.backend() as unknown as Backend, laid, dtype);
    const values = tf.engine().makeTensorFromTensorInfo({ dataId, shape: laid, dtype }, tf.backend());
    return {
      weight: { format, width, values: values as tf.Tensor2D },
      write: (row, numbers) => {
        write(row * words, numbers);
      },
    };
  }
  const values = newNumbers(laid, dtype);
  return {
    weight: { format, width, values },
    write: (row, numbers) => {
      numbersOf(values).set(numbers, row * words);
    },
  };
}

/** In WebAssembly memory not even zeros are written first. */
function newNumbers(shape: [number, number], dtype: "int32" | "float32"): tf.Tensor2D {
  const backend = tf.backend();
  if (!(backend instanceof WasmBackend)) return tf.zeros(shape, dtype);
  const dataId = backend.write(null, shape, dtype);
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype }, backend) as tf.Tensor2D;
}

/** The numbers of a tensor of the CPU's backends where they lie. */
function numbersOf({ dataId }: tf.Tensor): Float32Array | Int32Array {
  const { data } = tf.backend() as unknown as { data: { get: (id: object) => { values: Float32Array | Int32Array } } };
  return data.get(dataId).values;
}

/** Puts a matrix on the device. Throws `memory.full` where no buffer of the device holds it. */
export function newWeight(values: Float32Array, shape: [number, number], format: WeightFormat = "f32"): Weight {
  const { weight, write } = openWeight(shape, format);
  write(0, format === "f32" ? values : packWeight(values, shape, format));
  return weight;
}

/** What a kernel over packed words needs to know of them, as its attributes. */
export type Packing = { format: number; width: number };
export const packingOf = ({ format, width }: Weight): Packing => ({ format: weightFormats.indexOf(format), width });
/** The way back. */
export const weightOf = (values: tf.Tensor2D, { format, width }: Packing): Weight => ({
  format: weightFormats[format] ?? "f32",
  width,
  values,
});

/**
 * The matrix as plain numbers, for meanings. Reads the words at once, so on the CPU alone.
 */
export function dequantized(w: tf.Tensor2D, { format, width }: Packing): tf.Tensor2D {
  const name = weightFormats[format] ?? "f32";
  if (name === "f32") return w;
  const { backend } = tf.engine() as unknown as { backend: { readSync: (id: object) => Int32Array } };
  return tf.tensor2d(unpackWeight(backend.readSync(w.dataId), width, name), [dim(w, 0), width]);
}

/** WGSL: `weightAt(row, i)`, one number of the words in the input `w`, of which a row has `words`. */
export function weightReader(format: number, w = "w"): string {
  const name = weightFormats[format] ?? "f32";
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
    return ${name === "nf4" ? "scale.x * levelOf(code)" : "fma(scale.x, f32(code), scale.y)"};
  }${name === "nf4" ? levelReader : ""}`;
}

const fourLevels = (from: number) => `vec4<f32>(${normalFloat4.slice(from, from + 4).join(", ")})`;

/** WGSL: the level of an nf4 code, chosen bit by bit: an array indexed by data would lie in memory. */
const levelReader = `
  fn levelOf(code: u32) -> f32 {
    let is4 = (code & 4u) != 0u;
    let low = select(${fourLevels(0)}, ${fourLevels(4)}, is4);
    let high = select(${fourLevels(8)}, ${fourLevels(12)}, is4);
    let four = select(low, high, (code & 8u) != 0u);
    let two = select(four.xy, four.zw, (code & 2u) != 0u);
    return select(two.x, two.y, (code & 1u) != 0u);
  }`;

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
  cases: weightFormats.flatMap((_, format) =>
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

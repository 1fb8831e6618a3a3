/** @file How a model's matrices are packed on the device, and what they take there. */

import type { ModelConfig } from "../core/model";
import { type WeightFormat, weightFormats, wordsOf } from "../core/packing";
import { tensorShapes } from "../core/tensorNames";
import type { WeightEntry, WeightFile } from "../core/weightFile";

/** From so many parameters on, half precision is worth its slower reading. */
const large = 50e6;

/** What holds a file's numbers without loss worth speaking of. */
function ownFormat({ type, packed }: WeightEntry, parameters: number): WeightFormat {
  if (packed === "f16" || type === "BF16" || type === "F16") return parameters < large ? "f32" : "f16";
  if (packed) return packed;
  if (/^Q4/.test(type)) return "q4";
  return /^Q\d/.test(type) ? "int8" : "f32";
}

/**
 * The packing of matrices that lie in one, from their entries in the file: `precision` where the recipe says one, else
 * as near to the file as the widest of them needs.
 */
export function chooseFormat(
  file: WeightFile,
  precision: WeightFormat | undefined,
): (entries: readonly WeightEntry[]) => WeightFormat {
  if (precision) return () => precision;
  let parameters = 0;
  for (const { shape } of file.tensors.values()) parameters += shape.reduce((product, n) => product * n, 1);
  return (entries) => {
    const places = entries.map((entry) => weightFormats.indexOf(ownFormat(entry, parameters)));
    return weightFormats[Math.min(...places)] ?? "f32"; // the widest stands first
  };
}

/** Bytes of the weights on the device. Matrices that lie in one are taken as if each lay alone. */
export function weightBytes(config: ModelConfig, file: WeightFile, precision?: WeightFormat): number {
  const formatOf = chooseFormat(file, precision);
  let words = 0;
  for (const [name, shape] of tensorShapes(config)) {
    const [rows = 0, width] = shape;
    const entry = file.tensors.get(name);
    words += rows * (width === undefined ? 1 : wordsOf(entry ? formatOf([entry]) : "f32", width));
  }
  return 4 * words;
}

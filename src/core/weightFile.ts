/** @file A model's tensors in its files, whatever their format: read by rows, under Hugging Face's names. */

import type { WeightFormat } from "./packing";

export type WeightEntry = {
  /** As Hugging Face's checkpoint of this architecture has it: [out, in] for a linear layer. */
  shape: number[];
  /** The file's own name for the type of its numbers, as `BF16` or `Q4_K`. */
  type: string;
  /** The packing (packing.ts) that holds the file's numbers without loss; null where they are best taken as f32. */
  packed: Exclude<WeightFormat, "f32"> | null;
};

export type WeightFile = {
  tensors: ReadonlyMap<string, WeightEntry>;
  /** Rows `from` … `to` − 1 along the first dimension, all others whole, as f32. Throws `model.tensor`. */
  readRows: (name: string, from: number, to: number) => Promise<Float32Array<ArrayBuffer>>;
  /** The same rows of a matrix in the entry's own packing, each padded to whole blocks. Throws `model.tensor`. */
  readPacked: (name: string, from: number, to: number) => Promise<Int32Array<ArrayBuffer>>;
};

/** @file Tensors that lie in files as blocks of numbers, read by rows: what each format's WeightFile is made of. */

import type { ByteSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { wordsOf } from "../core/packing";
import { type Said, say } from "../core/say";
import type { WeightEntry, WeightFile } from "../core/weightFile";
import { quote } from "./safetensorsHeader";

/** How a type's numbers lie: `block` of them in `bytes` bytes, one block after another. */
export type NumberType = {
  name: string;
  block: number;
  bytes: number;
  /** Whole blocks to as many numbers. */
  decode: (bytes: Uint8Array<ArrayBuffer>, to: Float32Array) => void;
  packing: {
    format: Exclude<WeightEntry["packed"], null>;
    /** Whole blocks to their words. False where a block has no words that mean the same. */
    pack: (bytes: Uint8Array<ArrayBuffer>, to: Int32Array) => boolean;
  } | null;
};

export type StoredTensor = {
  source: ByteSource;
  /** Of its first byte in the source, which is known to hold all of it. */
  offset: number;
  /** As the tensor is presented, which is as it lies unless one of the following is said. */
  shape: number[];
  type: NumberType;
  /** The rows of each of so many heads lie 0, D/2, 1, D/2 + 1 …, as neighbours that are rotated together. */
  rotatedHeads?: number;
  /** It lies as [shape[1], shape[0]]. */
  isTransposed?: boolean;
  /** Added to every number, in f32. */
  shift?: number;
};

/** Bytes read at a time, so that no more than this is held beside what is asked for. */
const sliceBytes = 4 << 20;

const product = (shape: readonly number[]) => shape.reduce((size, n) => size * n, 1);

function fail(name: string, detail: Said): never {
  throw new StudioError("model.tensor", say`tensor ${quote(name)}: ${detail}`);
}

function packedAs({ type, shape, isTransposed, shift }: StoredTensor): WeightEntry["packed"] {
  const fits = shape.length === 2 && (shape[1] ?? 0) % 32 === 0;
  return fits && !isTransposed && shift === undefined && type.packing ? type.packing.format : null;
}

/** Reads whole blocks from byte `at` on, a slice at a time; `take` gets the bytes and the first block's number. */
async function eachSlice(
  { source, type }: StoredTensor,
  at: number,
  blocks: number,
  take: (bytes: Uint8Array<ArrayBuffer>, firstBlock: number) => void,
): Promise<void> {
  const step = Math.max(1, Math.floor(sliceBytes / type.bytes));
  for (let first = 0; first < blocks; first += step) {
    const count = Math.min(step, blocks - first);
    take(await source.read(at + first * type.bytes, count * type.bytes), first);
  }
}

/** The numbers from place `from` to before place `to`, in the order in which they lie. */
async function readNumbers(tensor: StoredTensor, from: number, to: number): Promise<Float32Array<ArrayBuffer>> {
  const { block, bytes, decode } = tensor.type;
  const first = Math.floor(from / block);
  const blocks = to > from ? Math.ceil(to / block) - first : 0;
  const values = new Float32Array(blocks * block);
  await eachSlice(tensor, tensor.offset + first * bytes, blocks, (slice, at) => {
    decode(slice, values.subarray(at * block, at * block + (slice.length / bytes) * block));
  });
  return values.length === to - from ? values : values.slice(from - first * block, to - first * block);
}

/** Rows `from` … `to` − 1 of a tensor that lies transposed: it is read whole, a few of its own rows at a time. */
async function readColumns(tensor: StoredTensor, from: number, to: number): Promise<Float32Array<ArrayBuffer>> {
  const [height = 0, width = 0] = tensor.shape; // it lies as [width, height]
  const values = new Float32Array((to - from) * width);
  const step = Math.max(1, Math.floor((sliceBytes >> 2) / Math.max(1, height)));
  for (let first = 0; first < width; first += step) {
    const last = Math.min(width, first + step);
    const lying = await readNumbers(tensor, first * height, last * height);
    for (let row = from; row < to; row++) {
      const at = (row - from) * width;
      for (let column = first; column < last; column++)
        values[at + column] = lying[(column - first) * height + row] ?? 0;
    }
  }
  return values;
}

async function readPackedRows(tensor: StoredTensor, name: string, from: number, to: number) {
  const { packing, block, bytes } = tensor.type;
  if (!packing || packedAs(tensor) === null) fail(name, say`${tensor.type.name} is not held in a packing`);
  const [, width = 0] = tensor.shape;
  const words = wordsOf(packing.format, width);
  const packed = new Int32Array((to - from) * words);
  const wordsInBlock = (words * block) / Math.max(width, 1);
  const rowBlocks = width / block;
  await eachSlice(tensor, tensor.offset + from * rowBlocks * bytes, (to - from) * rowBlocks, (slice, first) => {
    const at = first * wordsInBlock;
    if (!packing.pack(slice, packed.subarray(at, at + (slice.length / bytes) * wordsInBlock)))
      fail(name, say`a block's scale is too large for its packing`);
  });
  return packed;
}

/**
 * Reads rows `from` … `to` − 1 as they are presented through `read`, which reads them as they lie: those of rotated
 * heads by whole heads, of which the ones asked for are kept.
 */
async function readInOrder<T extends Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(
  { rotatedHeads, shape: [height = 1] }: StoredTensor,
  from: number,
  to: number,
  read: (from: number, to: number) => Promise<T>,
): Promise<T> {
  if (!rotatedHeads || to === from) return read(from, to);
  const D = height / rotatedHeads;
  const first = Math.floor(from / D) * D;
  const last = Math.ceil(to / D) * D;
  const lying = await read(first, last);
  const width = lying.length / (last - first);
  const ordered = lying.slice(0, (to - from) * width) as T;
  for (let row = from; row < to; row++) {
    const at = (rotatedRow(row, D) - first) * width;
    ordered.set(lying.subarray(at, at + width), (row - from) * width);
  }
  return ordered;
}

/** Where a row lies whose place d of the head's D is rotated with d + D/2: as one of two neighbours. */
export function rotatedRow(row: number, D: number): number {
  const d = row % D;
  return row - d + (d < D / 2 ? 2 * d : 2 * d - D + 1);
}

/** The tensors as a WeightFile. Nothing is read before rows are asked for. */
export function newWeightFile(stored: ReadonlyMap<string, StoredTensor>): WeightFile {
  const tensors = new Map<string, WeightEntry>();
  for (const [name, tensor] of stored)
    tensors.set(name, { shape: tensor.shape, type: tensor.type.name, packed: packedAs(tensor) });
  const find = (name: string, from: number, to: number) => {
    const tensor = stored.get(name) ?? fail(name, say`it is not in the file`);
    const height = tensor.shape[0] ?? 1;
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to < from || to > height)
      fail(name, say`it has no rows ${from} to ${to}, only ${height}`);
    return tensor;
  };
  return {
    tensors,
    async readRows(name, from, to) {
      const tensor = find(name, from, to);
      if (tensor.isTransposed) return readColumns(tensor, from, to);
      const width = product(tensor.shape.slice(1));
      const values = await readInOrder(tensor, from, to, (a, b) => readNumbers(tensor, a * width, b * width));
      const { shift } = tensor;
      if (shift !== undefined) for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + shift;
      return values;
    },
    async readPacked(name, from, to) {
      const tensor = find(name, from, to);
      return readInOrder(tensor, from, to, (a, b) => readPackedRows(tensor, name, a, b));
    },
  };
}

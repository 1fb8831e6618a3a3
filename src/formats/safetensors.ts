/**
 * @file The safetensors format, read strictly, whole or by rows, from one file or from shards with their index, and
 * written byte for byte as the reference implementation (0.8) does.
 */

import type { ByteSource } from "../core/byteSource";
import { narrowHalf } from "../core/float16";
import { say } from "../core/say";
import type { WeightFile } from "../core/weightFile";
import { quote } from "./safetensorsHeader";
import { failSafetensors as fail, parseLayout, readHeaderLength } from "./safetensorsLayout";
import { newWeightFile, type StoredTensor } from "./weightFiles";

export type SafeTensor = { dtype: string; shape: number[]; values: Float32Array<ArrayBuffer> };
export type SafeTensorInput = { shape: readonly number[]; values: Float32Array; dtype?: "F32" | "F16" };

/**
 * Reads a whole file; every dtype is widened to f32, in fresh memory.
 * Throws `model.tensor`, naming the tensor or byte: nothing duplicate, overlapping, missing, unknown or left over passes.
 * Source: https://github.com/huggingface/safetensors, format section of the README.
 */
export function parseSafetensors(bytes: Uint8Array): {
  tensors: Map<string, SafeTensor>;
  metadata: Record<string, string>;
} {
  const start = 8 + readHeaderLength(bytes, bytes.length);
  const { entries, metadata } = parseLayout(bytes.subarray(8, start), bytes.length - start);
  const tensors = new Map<string, SafeTensor>();
  for (const [name, { dtype, shape, begin, end, type }] of entries) {
    const values = new Float32Array((end - begin) / type.bytes);
    type.decode(bytes.slice(start + begin, start + end), values);
    tensors.set(name, { dtype, shape, values });
  }
  return { tensors, metadata };
}

async function readStored(
  source: ByteSource,
): Promise<{ stored: Map<string, StoredTensor>; metadata: Record<string, string> }> {
  const length = readHeaderLength(await source.read(0, Math.min(8, source.size)), source.size);
  const start = 8 + length;
  const { entries, metadata } = parseLayout(await source.read(8, length), source.size - start);
  const stored = new Map<string, StoredTensor>();
  for (const [name, { shape, begin, type }] of entries)
    stored.set(name, { source, offset: start + begin, shape, type });
  return { stored, metadata };
}

/** Reads the header, as strictly as parseSafetensors. Throws `model.tensor` and `file.unreadable`. */
export async function openSafetensors(
  source: ByteSource,
): Promise<WeightFile & { metadata: Readonly<Record<string, string>> }> {
  const { stored, metadata } = await readStored(source);
  return { ...newWeightFile(stored), metadata };
}

/** More files than any model comes in. */
const maximumShards = 10_000;

function parseIndex(index: unknown): Map<string, string> {
  const map: unknown = typeof index === "object" && index !== null ? Reflect.get(index, "weight_map") : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map)) fail(say`the index has no weight_map`);
  const fileOf = new Map<string, string>();
  for (const [name, file] of Object.entries(map as Record<string, unknown>)) {
    if (typeof file !== "string" || !/^[\w.-]+\.safetensors$/.test(file) || file.startsWith("."))
      fail(say`tensor ${quote(name)}: the index names the file ${quote(String(file))}, which is no plain name`);
    fileOf.set(name, file);
  }
  return fileOf;
}

/**
 * Reads the headers of the files that model.safetensors.index.json names, in its order.
 * Throws `model.tensor` where a tensor is not in the file that the index says, or is in another as well.
 */
export async function openSafetensorsShards(
  index: unknown,
  open: (file: string) => Promise<ByteSource>,
): Promise<WeightFile> {
  const fileOf = parseIndex(index);
  const files = [...new Set(fileOf.values())];
  if (files.length > maximumShards) fail(say`the index names ${files.length} files`);
  const all = new Map<string, StoredTensor>();
  for (const file of files) {
    const { stored } = await readStored(await open(file));
    for (const [name, tensor] of stored) {
      const said = fileOf.get(name);
      if (said === undefined) continue; // The index says what the model is made of.
      if (said !== file) fail(say`tensor ${quote(name)}: it is in ${quote(file)}, where the index says ${quote(said)}`);
      all.set(name, tensor);
    }
  }
  for (const [name, file] of fileOf)
    if (!all.has(name)) fail(say`tensor ${quote(name)}: it is not in ${quote(file)}, where the index says it is`);
  return newWeightFile(all);
}

const encoder = new TextEncoder();

/** Order of Rust strings: by UTF-8 bytes, which is by code point. */
function compareUtf8(a: string, b: string): number {
  const x = encoder.encode(a);
  const y = encoder.encode(b);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return x.length - y.length;
}

export type SafeTensorShape = { shape: readonly number[]; dtype?: "F32" | "F16" };

/**
 * The beginning of a file, and its tensors in the order in which their numbers follow: wider dtypes first, then by name,
 * the header padded with spaces to 8 bytes, as `safetensors.torch.save`.
 */
export function planSafetensors(
  tensors: ReadonlyMap<string, SafeTensorShape>,
  metadata: Readonly<Record<string, string>> = {},
): { head: Uint8Array<ArrayBuffer>; order: string[]; size: number } {
  const rank = ({ dtype }: SafeTensorShape) => (dtype === "F16" ? 0 : 1);
  const ordered = [...tensors].sort(([n, a], [m, b]) => rank(b) - rank(a) || compareUtf8(n, m));
  const entries: string[] = [];
  if (Object.keys(metadata).length > 0) entries.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let end = 0;
  for (const [name, { shape, dtype = "F32" }] of ordered) {
    const begin = end;
    end += shape.reduce((product, n) => product * n, 1) * (dtype === "F16" ? 2 : 4);
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  }
  const unpadded = encoder.encode(`{${entries.join(",")}}`);
  const headerLength = Math.ceil(unpadded.length / 8) * 8;
  const head = new Uint8Array(8 + headerLength).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerLength), true);
  head.set(unpadded, 8);
  return { head, order: ordered.map(([name]) => name), size: head.length + end };
}

/** Numbers as they lie in a file. */
export function tensorBytes(values: Float32Array, dtype: "F32" | "F16" = "F32"): Uint8Array {
  const data = dtype === "F16" ? narrowHalf(values) : values;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Writes a whole file. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, SafeTensorInput>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  for (const [name, { shape, values }] of tensors) {
    if (shape.reduce((product, n) => product * n, 1) !== values.length)
      fail(say`tensor ${quote(name)}: ${values.length} values do not fill [${shape.join(", ")}]`);
  }
  const { head, order, size } = planSafetensors(tensors, metadata);
  const bytes = new Uint8Array(size);
  bytes.set(head);
  let at = head.length;
  for (const name of order) {
    const tensor = tensors.get(name);
    if (!tensor) continue;
    const data = tensorBytes(tensor.values, tensor.dtype);
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

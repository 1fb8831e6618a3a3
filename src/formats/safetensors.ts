/** @file The safetensors format, read strictly and written byte for byte as the reference implementation (0.8) does. */

import { StudioError } from "../core/errors";
import { narrowHalf, widenBfloat16, widenHalf } from "../core/float16";
import { type Said, say } from "../core/say";
import { type HeaderEntry, parseHeader, quote } from "./safetensorsHeader";

export type SafeTensor = { dtype: string; shape: number[]; values: Float32Array<ArrayBuffer> };
export type SafeTensorInput = { shape: readonly number[]; values: Float32Array; dtype?: "F32" | "F16" };

/** The reference implementation's own limit. */
const maximumHeader = 100_000_000;

/** Each dtype we read: bytes per number, and how to widen it to f32 (64-bit values are rounded). */
const readers: Record<string, { size: number; read: (bytes: ArrayBuffer) => Float32Array<ArrayBuffer> }> = {
  F32: { size: 4, read: (b) => new Float32Array(b) },
  F16: { size: 2, read: (b) => widenHalf(new Uint16Array(b)) },
  BF16: { size: 2, read: (b) => widenBfloat16(new Uint16Array(b)) },
  F64: { size: 8, read: (b) => Float32Array.from(new Float64Array(b)) },
  I64: { size: 8, read: (b) => Float32Array.from(new BigInt64Array(b), Number) },
  U64: { size: 8, read: (b) => Float32Array.from(new BigUint64Array(b), Number) },
  I32: { size: 4, read: (b) => Float32Array.from(new Int32Array(b)) },
  U32: { size: 4, read: (b) => Float32Array.from(new Uint32Array(b)) },
  I16: { size: 2, read: (b) => Float32Array.from(new Int16Array(b)) },
  U16: { size: 2, read: (b) => Float32Array.from(new Uint16Array(b)) },
  I8: { size: 1, read: (b) => Float32Array.from(new Int8Array(b)) },
  U8: { size: 1, read: (b) => Float32Array.from(new Uint8Array(b)) },
  BOOL: { size: 1, read: (b) => Float32Array.from(new Uint8Array(b), (x) => (x ? 1 : 0)) },
};

function fail(detail: Said): never {
  throw new StudioError("model.tensor", say`safetensors: ${detail}`);
}

/** Every byte of the data belongs to exactly one tensor, and each tensor has the bytes its shape asks for. */
function checkLayout(entries: Map<string, HeaderEntry>, dataLength: number): void {
  let expected = 0;
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [name, { dtype, shape, begin, end }] of inOrder) {
    const where = say`tensor ${quote(name)}`;
    const reader = Object.hasOwn(readers, dtype) ? readers[dtype] : undefined;
    if (!reader) fail(say`${where}: the dtype ${quote(dtype)} is not supported`);
    if (end > dataLength) fail(say`${where}: its data ends at byte ${end} of ${dataLength}; the file may be cut short`);
    if (begin < expected) fail(say`${where}: its data overlaps the tensor before it`);
    if (begin > expected) fail(say`${where}: a gap of ${begin - expected} bytes lies before its data`);
    const size = shape.reduce((product, n) => product * n, reader.size);
    if (size !== end - begin) fail(say`${where}: ${dtype} [${shape.join(", ")}] does not fill ${end - begin} bytes`);
    expected = end;
  }
  if (expected !== dataLength) fail(say`${dataLength - expected} bytes at the end belong to no tensor`);
}

/**
 * Reads a whole file; every dtype is widened to f32, in fresh memory.
 * Throws `model.tensor`, naming the tensor or byte: nothing duplicate, overlapping, missing, unknown or left over passes.
 * Source: https://github.com/huggingface/safetensors, format section of the README.
 */
export function parseSafetensors(bytes: Uint8Array): {
  tensors: Map<string, SafeTensor>;
  metadata: Record<string, string>;
} {
  if (bytes.length < 8) fail(say`the file has ${bytes.length} bytes, fewer than a header's length takes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maximumHeader)) fail(say`the header claims ${String(length)} bytes, more than ${maximumHeader}`);
  const start = 8 + Number(length);
  if (start > bytes.length)
    fail(say`the header claims ${String(length)} bytes, the file has ${bytes.length - 8} after its length`);
  const { entries, metadata } = parseHeader(bytes.subarray(8, start));
  checkLayout(entries, bytes.length - start);
  const tensors = new Map<string, SafeTensor>();
  for (const [name, { dtype, shape, begin, end }] of entries) {
    const data = bytes.slice(start + begin, start + end).buffer;
    const values = readers[dtype]?.read(data) ?? fail(say`the dtype ${dtype} is not supported`);
    tensors.set(name, { dtype, shape, values });
  }
  return { tensors, metadata };
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

/** Writes a file: wider dtypes first, then by name, header padded with spaces to 8 bytes, as `safetensors.torch.save`. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, SafeTensorInput>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const rank = (tensor: SafeTensorInput) => (tensor.dtype === "F16" ? 0 : 1);
  const ordered = [...tensors].sort(([n, a], [m, b]) => rank(b) - rank(a) || compareUtf8(n, m));
  const entries: string[] = [];
  if (Object.keys(metadata).length > 0) entries.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let end = 0;
  for (const [name, { shape, values, dtype = "F32" }] of ordered) {
    if (shape.reduce((product, n) => product * n, 1) !== values.length)
      fail(say`tensor ${quote(name)}: ${values.length} values do not fill [${shape.join(", ")}]`);
    const begin = end;
    end += values.length * (dtype === "F16" ? 2 : 4);
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  }
  const unpadded = encoder.encode(`{${entries.join(",")}}`);
  const headerLength = Math.ceil(unpadded.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + end).fill(0x20, 8, 8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(unpadded, 8);
  let at = 8 + headerLength;
  for (const [, { values, dtype }] of ordered) {
    const data = dtype === "F16" ? narrowHalf(values) : values;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
